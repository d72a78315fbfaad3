/* SPDX-License-Identifier: Apache-2.0
 * GELU with the error function, without exponential or division, and its slope. With t = |x| and
 * Phi the normal distribution:
 *   gelu(x) = max(x, 0) - t Phi(-t),  Phi(-t) = q(t)^4
 *   slope(x) = 1/2 + sign(x) (1/2 - d(t)),  d(t) = Phi(-t) - t phi(t) = e^(-t^2/2) r(t)
 * q and r are minimax fits on 0 <= t <= 6 made for these weights; beyond, t counts as 6, where
 * both terms are below 4e-8. Largest errors: gelu 8e-8 (and the rounding of the result), slope
 * 1.5e-7. The assembly and the C beside it do the same operations in the same order. */
#ifndef ETUDE_LIB_GELU_ERF_H
#define ETUDE_LIB_GELU_ERF_H
#include "kernels/lib/math.h"

#define ETUDE_GELU_END 0x40C00000u /* 6 */
#define ETUDE_GELU_CHUNK 64u       /* elements between the two loops of the slope; even */

/* q(t), coefficient of t^k by its bits. */
#define GELU_Q0 0x3F5744F8u
#define GELU_Q1 0xBE2BC164u
#define GELU_Q2 0xBD4DAD3Du
#define GELU_Q3 0x3B990DF6u
#define GELU_Q4 0x3B792638u
#define GELU_Q5 0xB8A02F36u
#define GELU_Q6 0xB98A7E6Bu
#define GELU_Q7 0x3818729Au
#define GELU_Q8 0x36338B82u
#define GELU_Q9 0xB567B25Cu
#define GELU_Q10 0x3354ACBCu
/* r(t) */
#define GELU_R0 0x3EFFFFFFu
#define GELU_R1 0xBF4C420Du
#define GELU_R2 0x3E7FF8D0u
#define GELU_R3 0xBE07FE3Fu
#define GELU_R4 0x3D7DA401u
#define GELU_R5 0xBCD0AA69u
#define GELU_R6 0x3C138517u
#define GELU_R7 0xBB29BEF2u
#define GELU_R8 0x3A13C2ABu
#define GELU_R9 0xB8B1C800u
#define GELU_R10 0x370155C7u
#define GELU_R11 0xB4A9692Bu
/* 2^f on |f| <= 1/2, relative error 9e-8; the constant term is 1. */
#define GELU_E1 0x3F317215u
#define GELU_E2 0x3E75FCDEu
#define GELU_E3 0x3D635BA9u
#define GELU_E4 0x3C1E7547u
#define GELU_E5 0x3AADDD0Eu
#define GELU_LOG2E_HALF 0xBF38AA3Bu /* -log2(e) / 2 */

#if ETUDE_ASM
/* Two elements side by side, because an FPU result can be used only in the second cycle behind its
 * instruction. */
#define GELU_TWO(op, d, a, b) \
  op " %[" d "0], %[" a "0], %[" b "0]\n" op " %[" d "1], %[" a "1], %[" b "1]\n"
#define GELU_ONE(op, d, a, b) \
  op " %[" d "0], %[" a "0], " b "\n" op " %[" d "1], %[" a "1], " b "\n"
/* p = top * v + c, then p = p * v + c */
#define GELU_FIRST(v, top, c)                  \
  "fmadd.s %[p0], %[" top "], %[" v "0], %[" c \
  "]\n"                                        \
  "fmadd.s %[p1], %[" top "], %[" v "1], %[" c "]\n"
#define GELU_STEP(v, c)                   \
  "fmadd.s %[p0], %[p0], %[" v "0], %[" c \
  "]\n"                                   \
  "fmadd.s %[p1], %[p1], %[" v "1], %[" c "]\n"
#define GELU_K(bits_) "r"(ETUDE_CONSTANT(bits_))

/* y = gelu(x) of 2 * `pairs` elements, pairs > 0; y may be x. */
static __attribute__((noinline)) void gelu_pairs(const float* x, float* y, uint32_t pairs) {
  float x0, x1, t0, t1, p0, p1;
  __asm__ volatile(
      ETUDE_HWLOOP(38)
      "cv.lw %[x0], (%[x]), 4\n"
      "cv.lw %[x1], (%[x]), 4\n"
      GELU_TWO("fsgnjx.s", "t", "x", "x")
      GELU_ONE("cv.min", "t", "t", "%[end]")
      GELU_FIRST("t", "c10", "c9")
      GELU_STEP("t", "c8") GELU_STEP("t", "c7") GELU_STEP("t", "c6")
      GELU_STEP("t", "c5") GELU_STEP("t", "c4") GELU_STEP("t", "c3")
      GELU_STEP("t", "c2") GELU_STEP("t", "c1") GELU_STEP("t", "c0")
      GELU_TWO("fmul.s", "p", "p", "p")
      GELU_TWO("fmul.s", "p", "p", "p")
      GELU_TWO("fmul.s", "p", "p", "t")
      GELU_ONE("cv.max", "x", "x", "x0")
      GELU_TWO("fsub.s", "p", "x", "p")
      "cv.sw %[p0], (%[y]), 4\n"
      "cv.sw %[p1], (%[y]), 4\n" ETUDE_HWLOOP_END
      : [x] "+&r"(x), [y] "+&r"(y), [x0] "=&r"(x0), [x1] "=&r"(x1), [t0] "=&r"(t0),
        [t1] "=&r"(t1), [p0] "=&r"(p0), [p1] "=&r"(p1)
      : [n] "r"(pairs), [end] GELU_K(ETUDE_GELU_END), [c0] GELU_K(GELU_Q0), [c1] GELU_K(GELU_Q1),
        [c2] GELU_K(GELU_Q2), [c3] GELU_K(GELU_Q3), [c4] GELU_K(GELU_Q4), [c5] GELU_K(GELU_Q5),
        [c6] GELU_K(GELU_Q6), [c7] GELU_K(GELU_Q7), [c8] GELU_K(GELU_Q8), [c9] GELU_K(GELU_Q9),
        [c10] GELU_K(GELU_Q10)
      : "memory");
}

/* e = e^(-t^2 / 2). */
static __attribute__((noinline)) void gelu_bell_pairs(const float* x, float* e, uint32_t pairs) {
  float z0, z1, s0, s1, p0, p1;
  __asm__ volatile(
      ETUDE_HWLOOP(32)
      "cv.lw %[z0], (%[x]), 4\n"
      "cv.lw %[z1], (%[x]), 4\n"
      GELU_TWO("fsgnjx.s", "z", "z", "z")
      GELU_ONE("cv.min", "z", "z", "%[end]")
      GELU_TWO("fmul.s", "z", "z", "z")
      GELU_ONE("fmul.s", "z", "z", "%[scale]")
      GELU_ONE("fadd.s", "s", "z", "%[magic]")
      GELU_ONE("fsub.s", "p", "s", "%[magic]")
      GELU_TWO("fsub.s", "z", "z", "p")
      GELU_FIRST("z", "c5", "c4")
      GELU_STEP("z", "c3") GELU_STEP("z", "c2") GELU_STEP("z", "c1") GELU_STEP("z", "one")
      GELU_ONE("slli", "s", "s", "23")
      GELU_TWO("add", "p", "p", "s")
      "cv.sw %[p0], (%[e]), 4\n"
      "cv.sw %[p1], (%[e]), 4\n" ETUDE_HWLOOP_END
      : [x] "+&r"(x), [e] "+&r"(e), [z0] "=&r"(z0), [z1] "=&r"(z1), [s0] "=&r"(s0),
        [s1] "=&r"(s1), [p0] "=&r"(p0), [p1] "=&r"(p1)
      : [n] "r"(pairs), [end] GELU_K(ETUDE_GELU_END), [scale] GELU_K(GELU_LOG2E_HALF),
        [magic] GELU_K(0x4B400000u), [one] GELU_K(0x3F800000u), [c1] GELU_K(GELU_E1),
        [c2] GELU_K(GELU_E2), [c3] GELU_K(GELU_E3), [c4] GELU_K(GELU_E4), [c5] GELU_K(GELU_E5)
      : "memory");
}

/* dx = dy * slope(x), given e; dx may be dy or x. */
static __attribute__((noinline)) void gelu_slope_pairs(const float* x, const float* e,
                                                       const float* dy, float* dx, uint32_t pairs) {
  float x0, x1, t0, t1, p0, p1;
  __asm__ volatile(
      ETUDE_HWLOOP(42)
      "cv.lw %[x0], (%[x]), 4\n"
      "cv.lw %[x1], (%[x]), 4\n"
      GELU_TWO("fsgnjx.s", "t", "x", "x")
      GELU_ONE("cv.min", "t", "t", "%[end]")
      GELU_FIRST("t", "c11", "c10")
      GELU_STEP("t", "c9") GELU_STEP("t", "c8") GELU_STEP("t", "c7") GELU_STEP("t", "c6")
      GELU_STEP("t", "c5") GELU_STEP("t", "c4") GELU_STEP("t", "c3") GELU_STEP("t", "c2")
      GELU_STEP("t", "c1") GELU_STEP("t", "c0")
      "cv.lw %[t0], (%[e]), 4\n"
      "cv.lw %[t1], (%[e]), 4\n"
      "fnmsub.s %[p0], %[p0], %[t0], %[half]\n"
      "fnmsub.s %[p1], %[p1], %[t1], %[half]\n"
      "cv.lw %[t0], (%[dy]), 4\n"
      "cv.lw %[t1], (%[dy]), 4\n"
      GELU_TWO("fsgnjx.s", "p", "p", "x")
      GELU_ONE("fadd.s", "p", "p", "%[half]")
      GELU_TWO("fmul.s", "p", "p", "t")
      "cv.sw %[p0], (%[dx]), 4\n"
      "cv.sw %[p1], (%[dx]), 4\n" ETUDE_HWLOOP_END
      : [x] "+&r"(x), [e] "+&r"(e), [dy] "+&r"(dy), [dx] "+&r"(dx), [x0] "=&r"(x0),
        [x1] "=&r"(x1), [t0] "=&r"(t0), [t1] "=&r"(t1), [p0] "=&r"(p0), [p1] "=&r"(p1)
      : [n] "r"(pairs), [end] GELU_K(ETUDE_GELU_END), [half] GELU_K(0x3F000000u),
        [c0] GELU_K(GELU_R0), [c1] GELU_K(GELU_R1), [c2] GELU_K(GELU_R2), [c3] GELU_K(GELU_R3),
        [c4] GELU_K(GELU_R4), [c5] GELU_K(GELU_R5), [c6] GELU_K(GELU_R6), [c7] GELU_K(GELU_R7),
        [c8] GELU_K(GELU_R8), [c9] GELU_K(GELU_R9), [c10] GELU_K(GELU_R10),
        [c11] GELU_K(GELU_R11)
      : "memory");
}
#else
static inline float gelu_distance(float x) {
  return etude_from_bits(etude_min(etude_bits(x) & 0x7FFFFFFFu, ETUDE_GELU_END));
}

static inline float gelu_one(float x) {
  static const uint32_t c[] = {GELU_Q9, GELU_Q8, GELU_Q7, GELU_Q6, GELU_Q5,
                               GELU_Q4, GELU_Q3, GELU_Q2, GELU_Q1, GELU_Q0};
  const float t = gelu_distance(x);
  float p = etude_from_bits(GELU_Q10);
  for (uint32_t i = 0; i < 10; i++) {
    p = etude_fma(p, t, etude_from_bits(c[i]));
  }
  p = p * p;
  p = p * p;
  p = p * t;
  return ((int32_t)etude_bits(x) > 0 ? x : 0.0f) - p;
}

/* e^(-x^2 / 2) of the clamped x. */
static inline float gelu_bell(float x) {
  static const uint32_t c[] = {GELU_E4, GELU_E3, GELU_E2, GELU_E1, 0x3F800000u};
  const float t = gelu_distance(x);
  const float magic = 0x1.8p+23f;
  const float z = t * t * etude_from_bits(GELU_LOG2E_HALF);
  const float shifted = z + magic;
  const float f = z - (shifted - magic);
  float p = etude_from_bits(GELU_E5);
  for (uint32_t i = 0; i < 5; i++) {
    p = etude_fma(p, f, etude_from_bits(c[i]));
  }
  return etude_from_bits(etude_bits(p) + (etude_bits(shifted) << 23));
}

static inline float gelu_slope(float x, float bell) {
  static const uint32_t c[] = {GELU_R10, GELU_R9, GELU_R8, GELU_R7, GELU_R6, GELU_R5,
                               GELU_R4,  GELU_R3, GELU_R2, GELU_R1, GELU_R0};
  const float t = gelu_distance(x);
  float p = etude_from_bits(GELU_R11);
  for (uint32_t i = 0; i < 11; i++) {
    p = etude_fma(p, t, etude_from_bits(c[i]));
  }
  p = etude_fma(-p, bell, 0.5f);
  return etude_from_bits(etude_bits(p) ^ (etude_bits(x) & 0x80000000u)) + 0.5f;
}

static inline void gelu_pairs(const float* x, float* y, uint32_t pairs) {
  for (uint32_t i = 0; i < 2 * pairs; i++) {
    y[i] = gelu_one(x[i]);
  }
}

static inline void gelu_bell_pairs(const float* x, float* e, uint32_t pairs) {
  for (uint32_t i = 0; i < 2 * pairs; i++) {
    e[i] = gelu_bell(x[i]);
  }
}

static inline void gelu_slope_pairs(const float* x, const float* e, const float* dy, float* dx,
                                    uint32_t pairs) {
  for (uint32_t i = 0; i < 2 * pairs; i++) {
    dx[i] = dy[i] * gelu_slope(x[i], e[i]);
  }
}
#endif

/* y = gelu(x); y may be x. */
static __attribute__((unused)) void etude_gelu_erf(const float* x, float* y, uint32_t n) {
  if (n >= 2) {
    gelu_pairs(x, y, n >> 1);
  }
  if (n & 1) {
    float pair[2] = {x[n - 1], x[n - 1]};
    gelu_pairs(pair, pair, 1);
    y[n - 1] = pair[0];
  }
}

/* dx = dy * gelu'(x); dx may be dy or x. */
static __attribute__((unused)) void etude_gelu_erf_grad(const float* x, const float* dy, float* dx,
                                                        uint32_t n) {
  float e[ETUDE_GELU_CHUNK];
  while (n >= 2) {
    const uint32_t some = etude_min(n & ~1u, ETUDE_GELU_CHUNK);
    gelu_bell_pairs(x, e, some >> 1);
    gelu_slope_pairs(x, e, dy, dx, some >> 1);
    x += some;
    dy += some;
    dx += some;
    n -= some;
  }
  if (n & 1) {
    float pair[2] = {*x, *x}, gradient[2] = {*dy, *dy};
    gelu_bell_pairs(pair, e, 1);
    gelu_slope_pairs(pair, e, gradient, gradient, 1);
    *dx = gradient[0];
  }
}
#endif
