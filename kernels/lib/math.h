/* SPDX-License-Identifier: Apache-2.0
 * Elementary functions in FP32, without tables (a table would be read from L2). Polynomials are
 * minimax fits (Remez exchange) made for these ranges; errors are relative and before rounding. NaN
 * gives NaN. */
#ifndef ETUDE_LIB_MATH_H
#define ETUDE_LIB_MATH_H
#include "kernels/lib/support.h"

static inline float etude_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

static inline uint32_t etude_bits(float x) {
  union {
    float f;
    uint32_t u;
  } value = {x};
  return value.u;
}

/* e^x within 2 ulp; below -87 it stays e^-87, above 88 it is e^88. */
static inline float etude_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  /* x = n ln 2 + r; adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits */
  const float shifted = etude_fma(x, 0x1.715476p+0f, 0x1.8p+23f);
  const float n = shifted - 0x1.8p+23f;
  float r = etude_fma(n, -0x1.62e400p-1f, x);
  r = etude_fma(n, -0x1.7f7d1cp-20f, r);
  /* e^r = 1 + r + r^2 p(r) on |r| <= ln 2 / 2: 3e-9 */
  float p = etude_fma(r, 0x1.6a325ep-10f, 0x1.1239d4p-7f);
  p = etude_fma(p, r, 0x1.5558dcp-5f);
  p = etude_fma(p, r, 0x1.555492p-3f);
  p = etude_fma(p, r, 0x1.fffffcp-2f);
  p = etude_fma(p, r * r, r);
  return (p + 1.0f) * etude_from_bits((etude_bits(shifted) << 23) + 0x3F800000u);
}

/* ln x of a positive normal number, within 2 ulp or 1e-7. */
static inline float etude_log(float x) {
  /* x = 2^n m, m in [sqrt 1/2, sqrt 2) */
  const int32_t n = (int32_t)(etude_bits(x) - 0x3F3504F3u) >> 23;
  const float m = etude_from_bits(etude_bits(x) - ((uint32_t)n << 23));
  /* ln m = 2 atanh s, |s| <= 0.1716; the first term left out is 7e-10 */
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  float p = etude_fma(z, 0x1.c71c72p-3f, 0x1.24924ap-2f);
  p = etude_fma(p, z, 0x1.99999ap-2f);
  p = etude_fma(p, z, 0x1.555556p-1f);
  const float fn = (float)n;
  const float low = etude_fma(fn, 0x1.7f7d1cp-20f, s * z * p);
  return etude_fma(fn, 0x1.62e400p-1f, etude_fma(2.0f, s, low));
}

/* The normal distribution: *density = e^(-x^2/2) / sqrt(2 pi), result = its integral up to x. Both
 * tails keep their relative accuracy: Phi(-t) = e^(-t^2/2) q(1 / (1 + 0.3 t)), q: 6e-8. */
static inline float etude_normal(float x, float* density) {
  const float t = x < 0 ? -x : x;
  const float u = 1.0f / etude_fma(0.3f, t, 1.0f);
  const float e = etude_exp(-0.5f * x * x);
  float q = etude_fma(u, 0x1.3a64f8p-5f, -0x1.5a739ap-3f);
  q = etude_fma(q, u, 0x1.d44b6ap-3f);
  q = etude_fma(q, u, -0x1.395e22p-4f);
  q = etude_fma(q, u, 0x1.23e96cp-3f);
  q = etude_fma(q, u, 0x1.83d312p-4f);
  q = etude_fma(q, u, 0x1.f362b2p-4f);
  q = etude_fma(q, u, 0x1.e96beep-4f);
  q = etude_fma(q, u, 0x1.e11224p-18f) * e;
  *density = e * 0x1.988454p-2f;
  return x < 0 ? q : 1.0f - q;
}

/* s = 1 / (1 + e^-x); *slope = s (1 - s), which keeps its relative accuracy on both sides. */
static inline float etude_sigmoid(float x, float* slope) {
  const float e = etude_exp(x < 0 ? x : -x);
  const float large = 1.0f / (1.0f + e);
  const float small = e * large;
  *slope = large * small;
  return x < 0 ? small : large;
}

static inline float etude_sqrt(float x) { return __builtin_sqrtf(x); }
#endif
