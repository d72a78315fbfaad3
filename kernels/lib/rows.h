/* SPDX-License-Identifier: Apache-2.0
 * Sums and maxima of a row of numbers that lie beside each other: four chains of every fourth
 * element, the rest on the first, added in pairs. The assembly and the C beside it do the same
 * operations in the same order. */
#ifndef ETUDE_LIB_ROWS_H
#define ETUDE_LIB_ROWS_H
#include "kernels/lib/math.h"

#if ETUDE_ASM
#define ROW_LOAD4(t, p)              \
  "cv.lw %[" t "0], (%[" p "]), 4\n" \
  "cv.lw %[" t "1], (%[" p "]), 4\n" \
  "cv.lw %[" t "2], (%[" p "]), 4\n" \
  "cv.lw %[" t "3], (%[" p "]), 4\n"
#define ROW_STORE4(t, p)             \
  "cv.sw %[" t "0], (%[" p "]), 4\n" \
  "cv.sw %[" t "1], (%[" p "]), 4\n" \
  "cv.sw %[" t "2], (%[" p "]), 4\n" \
  "cv.sw %[" t "3], (%[" p "]), 4\n"
/* d = a op b for four, with b one for all, or four */
#define ROW_OP4(op, d, a, b)                                                               \
  op " %[" d "0], %[" a "0], %[" b "]\n" op " %[" d "1], %[" a "1], %[" b "]\n" op " %[" d \
     "2], %[" a "2], %[" b "]\n" op " %[" d "3], %[" a "3], %[" b "]\n"
#define ROW_OPS4(op, d, a, b)                                                                \
  op " %[" d "0], %[" a "0], %[" b "0]\n" op " %[" d "1], %[" a "1], %[" b "1]\n" op " %[" d \
     "2], %[" a "2], %[" b "2]\n" op " %[" d "3], %[" a "3], %[" b "3]\n"
/* d = a * b + d */
#define ROW_FMA4(d, a, b)                                \
  "fmadd.s %[" d "0], %[" a "0], %[" b "0], %[" d "0]\n" \
  "fmadd.s %[" d "1], %[" a "1], %[" b "1], %[" d "1]\n" \
  "fmadd.s %[" d "2], %[" a "2], %[" b "2], %[" d "2]\n" \
  "fmadd.s %[" d "3], %[" a "3], %[" b "3], %[" d "3]\n"
#define ROW_RW4(t) [t##0] "+&r"(t[0]), [t##1] "+&r"(t[1]), [t##2] "+&r"(t[2]), [t##3] "+&r"(t[3])
#define ROW_TEMP4(t) [t##0] "=&r"(t[0]), [t##1] "=&r"(t[1]), [t##2] "=&r"(t[2]), [t##3] "=&r"(t[3])
#endif

static inline float row_chains(const float s[4]) { return (s[0] + s[1]) + (s[2] + s[3]); }

static inline float row_sum(const float* x, uint32_t n) {
  float s[4] = {0, 0, 0, 0};
#if ETUDE_ASM
  if (n >= 4) {
    float t[4];
    __asm__ volatile(ETUDE_HWLOOP(8) ROW_LOAD4("t", "x") ROW_OPS4("fadd.s", "s", "s", "t")
                         ETUDE_HWLOOP_END
                     : [x] "+&r"(x), ROW_RW4(s), ROW_TEMP4(t)
                     : [n] "r"(n >> 2)
                     : "memory");
  }
#else
  for (uint32_t q = n >> 2; q; q--, x += 4) {
    for (uint32_t i = 0; i < 4; i++) {
      s[i] += x[i];
    }
  }
#endif
  for (n &= 3; n; n--) {
    s[0] += *x++;
  }
  return row_chains(s);
}

/* Sum of (x - mean)^2. */
static inline float row_variance(const float* x, uint32_t n, float mean) {
  float s[4] = {0, 0, 0, 0};
#if ETUDE_ASM
  if (n >= 4) {
    float t[4];
    __asm__ volatile(ETUDE_HWLOOP(12) ROW_LOAD4("t", "x") ROW_OP4("fsub.s", "t", "t", "mean")
                         ROW_FMA4("s", "t", "t") ETUDE_HWLOOP_END
                     : [x] "+&r"(x), ROW_RW4(s), ROW_TEMP4(t)
                     : [n] "r"(n >> 2), [mean] "r"(mean)
                     : "memory");
  }
#else
  for (uint32_t q = n >> 2; q; q--, x += 4) {
    for (uint32_t i = 0; i < 4; i++) {
      s[i] = etude_fma(x[i] - mean, x[i] - mean, s[i]);
    }
  }
#endif
  for (n &= 3; n; n--) {
    const float d = *x++ - mean;
    s[0] = etude_fma(d, d, s[0]);
  }
  return row_chains(s);
}

/* Sum of y (g - shift). */
static inline float row_product(const float* y, const float* g, uint32_t n, float shift) {
  float s[4] = {0, 0, 0, 0};
#if ETUDE_ASM
  if (n >= 4) {
    float t[4], u[4];
    __asm__ volatile(ETUDE_HWLOOP(16) ROW_LOAD4("u", "g") ROW_LOAD4("t", "y") ROW_OP4(
                         "fsub.s", "u", "u", "shift") ROW_FMA4("s", "t", "u") ETUDE_HWLOOP_END
                     : [y] "+&r"(y), [g] "+&r"(g), ROW_RW4(s), ROW_TEMP4(t), ROW_TEMP4(u)
                     : [n] "r"(n >> 2), [shift] "r"(shift)
                     : "memory");
  }
#else
  for (uint32_t q = n >> 2; q; q--, y += 4, g += 4) {
    for (uint32_t i = 0; i < 4; i++) {
      s[i] = etude_fma(y[i], g[i] - shift, s[i]);
    }
  }
#endif
  for (n &= 3; n; n--) {
    s[0] = etude_fma(*y++, *g++ - shift, s[0]);
  }
  return row_chains(s);
}

static inline float row_max(const float* x, uint32_t n) {
  float s[4] = {x[0], x[0], x[0], x[0]};
#if ETUDE_ASM
  if (n >= 4) {
    float t[4];
    __asm__ volatile(ETUDE_HWLOOP(8) ROW_LOAD4("t", "x") ROW_OPS4("fmax.s", "s", "s", "t")
                         ETUDE_HWLOOP_END
                     : [x] "+&r"(x), ROW_RW4(s), ROW_TEMP4(t)
                     : [n] "r"(n >> 2)
                     : "memory");
  }
#else
  for (uint32_t q = n >> 2; q; q--, x += 4) {
    for (uint32_t i = 0; i < 4; i++) {
      s[i] = __builtin_fmaxf(s[i], x[i]);
    }
  }
#endif
  for (n &= 3; n; n--) {
    s[0] = __builtin_fmaxf(s[0], *x++);
  }
  return __builtin_fmaxf(__builtin_fmaxf(s[0], s[1]), __builtin_fmaxf(s[2], s[3]));
}
#endif
