/* SPDX-License-Identifier: Apache-2.0
 * y = 1 / (1 + e^-x), within 2e-7 of itself; below -87 it stays e^-87. dx = dy y (1 - y). */
#include "kernels/lib/activation/pairs.h"

/* 1 / (1 + e) or, where x is negative, e / (1 + e) with e = e^-|x|. The former is the larger one,
 * so that a maximum chooses, once it is 0 where x is negative. */
static inline void sigmoid_both(float x[2]) {
  float e[2], large[2];
  uint32_t s[2];
  ETUDE_BOTH(e[i] = etude_from_bits(etude_bits(x[i]) | 0x80000000u))
  etude_exp_both(e);
  ETUDE_BOTH(large[i] = 1.0f + e[i])
  etude_reciprocal_both(large);
  ETUDE_BOTH(e[i] = e[i] * large[i])
  ETUDE_BOTH(s[i] = etude_bits(large[i]) & ~etude_sign(x[i]))
  ETUDE_BOTH(s[i] = s[i] > etude_bits(e[i]) ? s[i] : etude_bits(e[i]))
  ETUDE_BOTH(x[i] = etude_keep_nan(x[i], etude_from_bits(s[i])))
}

static inline void sigmoid_grad_both(float dy[2], const float y[2]) {
  float rest[2];
  ETUDE_BOTH(dy[i] = dy[i] * y[i])
  ETUDE_BOTH(rest[i] = 1.0f - y[i])
  ETUDE_BOTH(dy[i] = dy[i] * rest[i])
}

void etude_sigmoid(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_pairs(args, worker, workers, sigmoid_both);
}

void etude_sigmoid_grad(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_result_pairs(args, worker, workers, sigmoid_grad_both);
}
