/* SPDX-License-Identifier: Apache-2.0
 * x^p, the square root and the reciprocal. */
#include "kernels/lib/elementwise/function_rows.h"

static ETUDE_RARE void square_root_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  for (; n; n--) {
    *y++ = etude_sqrt(*x++);
  }
}

static ETUDE_RARE void reciprocal_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  for (; n; n--) {
    *y++ = 1.0f / *x++;
  }
}

/* x^p of a positive number, within 4e-7 of itself: the logarithm in two floats, because the
 * exponential makes an absolute error of p ln x, which may be 100, a relative one. */
static inline float positive_power(float x, float p) {
  /* x = 2^n m, m in [sqrt 1/2, sqrt 2); denormal numbers become normal ones first */
  const int32_t small = etude_bits(x) < 0x00800000u;
  const uint32_t bits = etude_bits(small ? x * 0x1p+23f : x);
  const int32_t power = (int32_t)(bits - 0x3F3504F3u) >> 23;
  const float m = etude_from_bits(bits - ((uint32_t)power << 23));
  const float n = (float)(small ? power - 23 : power);
  /* ln m = 2 atanh s, s = (m - 1) / (m + 1) with what its rounding and that of m + 1 leave */
  const float below = m + 1.0f, lost = m - (below - 1.0f);
  const float inverse = 1.0f / below, s = (m - 1.0f) * inverse;
  const float rest = etude_fma(-s, lost, etude_fma(-s, below, m - 1.0f)) * inverse;
  const float z = s * s;
  float c = etude_fma(z, ETUDE_CONSTANT(0x3E638E39u), ETUDE_CONSTANT(0x3E924925u));
  c = etude_fma(c, z, ETUDE_CONSTANT(0x3ECCCCCDu));
  c = etude_fma(c, z, ETUDE_CONSTANT(0x3F2AAAABu));
  const float whole = n * ETUDE_CONSTANT(0x3F317200u); /* exact */
  const float first = whole + 2.0f * s;
  const float second = 2.0f * s - (first - whole) +
                       etude_fma(n, ETUDE_CONSTANT(0x35BFBE8Eu), etude_fma(s * z, c, 2.0f * rest));
  const float high = first + second, low = second - (high - first);
  /* e^(p (high + low)) */
  const float product = p * high;
  float v[2], shifted[2];
  v[0] = __builtin_fmaxf(__builtin_fminf(product, 89.0f), -104.0f);
  v[1] = v[0];
  const float more = v[0] == product ? etude_fma(p, low, etude_fma(p, high, -product)) : 0.0f;
  etude_exp_reduced(v, shifted);
  /* e^(v + more) = e^v + e^v more, `more` being below 1e-5 */
  const float raised = etude_fma(v[0] + 1.0f, more, v[0]) + 1.0f;
  return raised * etude_half_power(shifted[0], 0) * etude_half_power(shifted[0], 1);
}

/* As pow() of C has it. */
static ETUDE_RARE void power_row(const float* x, float* y, uint32_t n, const uint32_t* args) {
  const float p = etude_from_bits(args[0]);
  const uint32_t size = args[0] & 0x7FFFFFFFu;
  /* floats from 2^23 on are whole, from 2^24 on even */
  const int whole = size >= 0x4B000000u || (float)(int32_t)p == p;
  const uint32_t odd = whole && size < 0x4B800000u && ((int32_t)p & 1) ? 0x80000000u : 0;
  for (; n; n--) {
    const float given = *x++;
    const uint32_t distance = etude_bits(given) & 0x7FFFFFFFu;
    const uint32_t sign = etude_bits(given) & odd;
    float result;
    if (distance == 0 || distance == 0x7F800000u) {
      const int grows = (distance != 0) == (p > 0);
      result = etude_from_bits((grows ? 0x7F800000u : 0) | sign);
    } else if (distance > 0x7F800000u || (!whole && etude_sign(given))) {
      result = ETUDE_CONSTANT(0x7FC00000u);
    } else {
      const float value = positive_power(etude_from_bits(distance), p);
      result = etude_from_bits(etude_bits(value) | sign);
    }
    *y++ = result;
  }
}

ETUDE_RARE void etude_square_root(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, square_root_row);
}

ETUDE_RARE void etude_reciprocal(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, reciprocal_row);
}

ETUDE_RARE void etude_power(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, power_row);
}
