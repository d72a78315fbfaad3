/* SPDX-License-Identifier: Apache-2.0
 * Elementary functions in FP32, two arguments at a time, because an FPU result can be used only in
 * the second cycle behind its instruction. Polynomials are minimax fits (Remez exchange) made for
 * these ranges; errors are relative and before rounding. NaN gives NaN. */
#ifndef ETUDE_LIB_MATH_H
#define ETUDE_LIB_MATH_H
#include "kernels/lib/support.h"

static inline float etude_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float etude_sqrt(float x) { return __builtin_sqrtf(x); }

static inline uint32_t etude_bits(float x) {
  union {
    float f;
    uint32_t u;
  } value = {x};
  return value.u;
}

/* All ones if the sign bit is set, else 0. */
static inline uint32_t etude_sign(float x) { return (uint32_t)((int32_t)etude_bits(x) >> 31); }

/* A constant by its bits. The compiler would put it into memory, and that is L2. */
#if ETUDE_ASM
#define ETUDE_CONSTANT(bits_)                            \
  ({                                                     \
    float constant_;                                     \
    __asm__("li %0, %1" : "=r"(constant_) : "i"(bits_)); \
    constant_;                                           \
  })
#else
#define ETUDE_CONSTANT(bits_) etude_from_bits(bits_)
#endif

/* The statement for both arguments. */
#define ETUDE_BOTH(statement) \
  {                           \
    enum { i = 0 };           \
    statement;                \
  }                           \
  {                           \
    enum { i = 1 };           \
    statement;                \
  }

/* x[i] = n ln 2 + r, r at most ln 2 / 2 in size: n in the low bits of shifted[i], e^r - 1 in the
 * place of x, within 2 ulp of itself. */
static inline void etude_exp_reduced(float x[2], float shifted[2]) {
  const float log2e = ETUDE_CONSTANT(0x3FB8AA3Bu), ln2_high = ETUDE_CONSTANT(0xBF317200u);
  const float ln2_low = ETUDE_CONSTANT(0xB5BFBE8Eu), magic = 0x1.8p+23f;
  const float c6 = ETUDE_CONSTANT(0x3AB5192Fu), c5 = ETUDE_CONSTANT(0x3C091CEAu);
  const float c4 = ETUDE_CONSTANT(0x3D2AAC6Eu), c3 = ETUDE_CONSTANT(0x3E2AAA49u);
  const float c2 = ETUDE_CONSTANT(0x3EFFFFFEu);
  float n[2], r[2], p[2], z[2];
  /* adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits */
  ETUDE_BOTH(shifted[i] = etude_fma(x[i], log2e, magic))
  ETUDE_BOTH(n[i] = shifted[i] - magic)
  ETUDE_BOTH(r[i] = etude_fma(n[i], ln2_high, x[i]))
  ETUDE_BOTH(r[i] = etude_fma(n[i], ln2_low, r[i]))
  /* e^r = 1 + r + r^2 p(r) on |r| <= ln 2 / 2: 3e-9 */
  ETUDE_BOTH(p[i] = etude_fma(r[i], c6, c5))
  ETUDE_BOTH(z[i] = r[i] * r[i])
  ETUDE_BOTH(p[i] = etude_fma(p[i], r[i], c4))
  ETUDE_BOTH(p[i] = etude_fma(p[i], r[i], c3))
  ETUDE_BOTH(p[i] = etude_fma(p[i], r[i], c2))
  ETUDE_BOTH(x[i] = etude_fma(p[i], z[i], r[i]))
}

/* e^x[i] = s[i] + s[i] q[i] for x <= 0, s a power of two, q (in the place of x) within 2 ulp of
 * itself; below -87 it is e^-87. */
static inline void etude_exp_parts(float x[2], float s[2]) {
  float shifted[2];
  /* of numbers that are not positive, the smaller pattern of bits is nearer to zero */
  const uint32_t lowest = 0xC2AE0000u; /* -87 */
  ETUDE_BOTH(x[i] = etude_from_bits(etude_min(etude_bits(x[i]), lowest)))
  etude_exp_reduced(x, shifted);
  ETUDE_BOTH(s[i] = etude_from_bits((etude_bits(shifted[i]) << 23) + 0x3F800000u))
}

/* x[i] = e^x[i] for x <= 0, within 2 ulp; below -87 it stays e^-87. */
static inline void etude_exp_both(float x[2]) {
  float s[2];
  etude_exp_parts(x, s);
  ETUDE_BOTH(x[i] = x[i] + 1.0f)
  ETUDE_BOTH(x[i] = x[i] * s[i])
}

static inline float etude_exp(float x) {
  float pair[2] = {x, x};
  etude_exp_both(pair);
  return pair[0];
}

/* x[i] = 1 / x[i] for normal positive numbers, within 1 ulp: three Newton steps from a guess that
 * is right within 5 %. The divider would take 19 cycles for each, one after the other. */
static inline void etude_reciprocal_both(float x[2]) {
  float y[2], e[2];
  ETUDE_BOTH(y[i] = etude_from_bits(0x7EF127EAu - etude_bits(x[i])))
  ETUDE_BOTH(e[i] = etude_fma(-x[i], y[i], 1.0f))
  ETUDE_BOTH(y[i] = etude_fma(y[i], e[i], y[i]))
  ETUDE_BOTH(e[i] = etude_fma(-x[i], y[i], 1.0f))
  ETUDE_BOTH(y[i] = etude_fma(y[i], e[i], y[i]))
  ETUDE_BOTH(e[i] = etude_fma(-x[i], y[i], 1.0f))
  ETUDE_BOTH(x[i] = etude_fma(y[i], e[i], y[i]))
}

/* ln x of a positive normal number, within 2 ulp or 1e-7. */
static inline float etude_log(float x) {
  /* x = 2^n m, m in [sqrt 1/2, sqrt 2) */
  const int32_t n = (int32_t)(etude_bits(x) - 0x3F3504F3u) >> 23;
  const float m = etude_from_bits(etude_bits(x) - ((uint32_t)n << 23));
  /* ln m = 2 atanh s, |s| <= 0.1716; the first term left out is 7e-10 */
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  float p = etude_fma(z, ETUDE_CONSTANT(0x3E638E39u), ETUDE_CONSTANT(0x3E924925u));
  p = etude_fma(p, z, ETUDE_CONSTANT(0x3ECCCCCDu));
  p = etude_fma(p, z, ETUDE_CONSTANT(0x3F2AAAABu));
  const float fn = (float)n;
  const float low = etude_fma(fn, ETUDE_CONSTANT(0x35BFBE8Eu), s * z * p);
  return etude_fma(fn, ETUDE_CONSTANT(0x3F317200u), etude_fma(2.0f, s, low));
}

/* Of the n of etude_exp_reduced(), 2^(n / 2) and 2^(n - n / 2) for `part` 0 and 1. */
static inline float etude_half_power(float shifted, uint32_t part) {
  const int32_t n = (int32_t)(etude_bits(shifted) - 0x4B400000u), half = n >> 1;
  return etude_from_bits((uint32_t)((part ? n - half : half) + 127) << 23);
}

/* ln x of any number, as log() of C has it. */
static inline float etude_log_of_any(float x) {
  float shift = 0;
  if (etude_bits(x) - 0x00800000u >= 0x7F000000u) { /* not a positive normal number */
    if (x == 0) {
      return -ETUDE_CONSTANT(0x7F800000u);
    }
    if (!(x > 0)) {
      return ETUDE_CONSTANT(0x7FC00000u);
    }
    if (etude_bits(x) == 0x7F800000u) {
      return x;
    }
    x *= 0x1p+23f;
    shift = ETUDE_CONSTANT(0xC17F1402u); /* -23 ln 2 */
  }
  return etude_log(x) + shift;
}

/* ln(1 + e) for 0 <= e <= 1, accurate where e is small (Goldberg 1991, theorem 4). */
static inline float etude_log_of_one_and(float e) {
  const float u = 1.0f + e;
  return u == 1.0f ? e : etude_log(u) * (e / (u - 1.0f));
}

/* s[i] = 1 / (1 + e^-x), given e[i] = e^-|x|; slope[i] = s (1 - s), which keeps its relative
 * accuracy on both sides. */
static inline void etude_sigmoid_both(const float x[2], const float e[2], float s[2],
                                      float slope[2]) {
  float large[2], small[2];
  ETUDE_BOTH(large[i] = 1.0f + e[i])
  etude_reciprocal_both(large);
  ETUDE_BOTH(small[i] = e[i] * large[i])
  ETUDE_BOTH(slope[i] = large[i] * small[i])
  ETUDE_BOTH(
      s[i] = etude_from_bits(etude_bits(large[i]) ^
                             ((etude_bits(large[i]) ^ etude_bits(small[i])) & etude_sign(x[i]))))
}
#endif
