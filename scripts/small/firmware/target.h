/* SPDX-License-Identifier: Apache-2.0
 * What differs between the targets: where parameters lie, how they are read, and the dot product of
 * int8 vectors, which is the same number everywhere. acc_t is int16_t or int32_t (model.h); the
 * generator of model.h has proved that no sum of any input leaves it. */
#ifndef SMALL_TARGET_H
#define SMALL_TARGET_H
#include <stdint.h>

#ifdef __AVR__
#include <avr/pgmspace.h>
#define PARAMETER PROGMEM /* in flash, read by LPM */
#define READ_ACC(p) ((acc_t)(sizeof(acc_t) == 2 ? pgm_read_word(p) : pgm_read_dword(p)))
#define READ_BYTE(p) ((int8_t)pgm_read_byte(p))
#define READ_FLOAT(p) pgm_read_float(p)
#else
#define PARAMETER __attribute__((aligned(4), section(".data.parameters"))) /* in L1 */
#define READ_ACC(p) (*(p))
#define READ_BYTE(p) (*(p))
#define READ_FLOAT(p) (*(p))
#endif
#define INLINE static inline __attribute__((always_inline, unused))

#include "model.h"

/* The bits of a score, to print. */
INLINE uint32_t bits_of(score_t score) {
  union {
    score_t score;
    uint32_t bits;
  } both = {.score = score};
  return both.bits;
}

#if !defined(ACC_BITS) /* no dot products of int8 */
#elif defined(__AVR__) && ACC_BITS == 16
/* One product: 9 cycles. LPM 3, LD 2, MULS 2, ADD 1, ADC 1. */
#define STEP "lpm %[a], Z+\n ld %[b], X+\n muls %[a], %[b]\n add %A[sum], r0\n adc %B[sum], r1\n"
INLINE acc_t dot(const int8_t* w, const int8_t* x, uint16_t n) {
  int16_t sum = 0;
  int8_t a, b;
  uint8_t blocks = (uint8_t)(n / 8), rest = (uint8_t)(n % 8);
  if (blocks) {
    __asm__("1:\n" STEP STEP STEP STEP STEP STEP STEP STEP "dec %[n]\n brne 1b\n clr __zero_reg__\n"
            : [sum] "+r"(sum), "+z"(w), "+x"(x), [n] "+r"(blocks), [a] "=&d"(a), [b] "=&d"(b)
            :
            : "r0", "memory");
  }
  if (rest) {
    __asm__("1:\n" STEP "dec %[n]\n brne 1b\n clr __zero_reg__\n"
            : [sum] "+r"(sum), "+z"(w), "+x"(x), [n] "+r"(rest), [a] "=&d"(a), [b] "=&d"(b)
            :
            : "r0", "memory");
  }
  return sum;
}
#elif defined(SMALL_SIMD)
/* Four products an instruction (CORE-V xcvsimd), loads with post-increment (xcvmem); two of each at
 * a time, so that no product waits for its load. */
INLINE acc_t dot(const int8_t* w, const int8_t* x, uint16_t n) {
  int32_t sum = 0, a, b, c, d;
  for (uint16_t blocks = n / 8; blocks; blocks--) {
    __asm__(
        "cv.lw %[a], (%[w]), 4\n cv.lw %[b], (%[x]), 4\n"
        "cv.lw %[c], (%[w]), 4\n cv.lw %[d], (%[x]), 4\n"
        "cv.sdotsp.b %[sum], %[a], %[b]\n cv.sdotsp.b %[sum], %[c], %[d]\n"
        : [sum] "+r"(sum), [w] "+r"(w), [x] "+r"(x), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
          [d] "=&r"(d)
        :
        : "memory");
  }
  for (uint16_t i = 0; i < n % 8; i++) {
    sum += w[i] * x[i];
  }
  return (acc_t)sum;
}
#else
#if defined(__clang__)
#define UNROLL _Pragma("unroll 16") /* of a loop whose count is known */
#else
#define UNROLL
#endif
INLINE acc_t dot(const int8_t* w, const int8_t* x, uint16_t n) {
  int32_t sum = 0;
  UNROLL
  for (uint16_t i = 0; i < n; i++) {
    sum += (int16_t)(READ_BYTE(w + i) * x[i]);
  }
  return (acc_t)sum;
}
#endif
#endif
