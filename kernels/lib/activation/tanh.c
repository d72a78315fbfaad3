/* SPDX-License-Identifier: Apache-2.0
 * y = tanh x, within 2e-7 of itself, and dx = dy (1 - y^2). */
#include "kernels/lib/activation/pairs.h"

/* tanh |x| = (1 - e) / (1 + e) with e = e^-2|x| = s + s q, s a power of two: 1 - s is exact, and 0
 * where x is small, so that nothing is lost of q. */
static inline void tanh_both(float x[2]) {
  float q[2], s[2], below[2], above[2];
  ETUDE_BOTH(q[i] = x[i] + x[i])
  ETUDE_BOTH(q[i] = etude_from_bits(etude_bits(q[i]) | 0x80000000u))
  etude_exp_parts(q, s);
  ETUDE_BOTH(below[i] = 1.0f - s[i])
  ETUDE_BOTH(above[i] = 1.0f + s[i])
  ETUDE_BOTH(below[i] = etude_fma(-s[i], q[i], below[i]))
  ETUDE_BOTH(above[i] = etude_fma(s[i], q[i], above[i]))
  etude_reciprocal_both(above);
  ETUDE_BOTH(below[i] = below[i] * above[i])
  ETUDE_BOTH(below[i] = etude_from_bits(etude_bits(below[i]) | (etude_bits(x[i]) & 0x80000000u)))
  ETUDE_BOTH(x[i] = etude_keep_nan(x[i], below[i]))
}

static inline void tanh_grad_both(float dy[2], const float y[2]) {
  float slope[2];
  ETUDE_BOTH(slope[i] = etude_fma(-y[i], y[i], 1.0f))
  ETUDE_BOTH(dy[i] = dy[i] * slope[i])
}

void etude_tanh(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_pairs(args, worker, workers, tanh_both);
}

void etude_tanh_grad(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_result_pairs(args, worker, workers, tanh_grad_both);
}
