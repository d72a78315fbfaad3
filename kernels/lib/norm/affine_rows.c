/* SPDX-License-Identifier: Apache-2.0
 * Per-row operators on images [channels, pixels]: scale, shift and activation (bias of a
 * convolution, frozen batch normalisation), and sums (gradient of the bias). */
#include "kernels/lib/math.h"

#if ETUDE_ASM
#define AFFINE_QUADS(words, act) \
  __asm__ volatile(ETUDE_HWLOOP(words)                                                            \
                   "cv.lw %[t0], (%[x]), 4\n"                                                     \
                   "cv.lw %[t1], (%[x]), 4\n"                                                     \
                   "cv.lw %[t2], (%[x]), 4\n"                                                     \
                   "cv.lw %[t3], (%[x]), 4\n"                                                     \
                   "fmadd.s %[t0], %[t0], %[scale], %[shift]\n"                                   \
                   "fmadd.s %[t1], %[t1], %[scale], %[shift]\n"                                   \
                   "fmadd.s %[t2], %[t2], %[scale], %[shift]\n"                                   \
                   "fmadd.s %[t3], %[t3], %[scale], %[shift]\n" act                               \
                   "cv.sw %[t0], (%[y]), 4\n"                                                     \
                   "cv.sw %[t1], (%[y]), 4\n"                                                     \
                   "cv.sw %[t2], (%[y]), 4\n"                                                     \
                   "cv.sw %[t3], (%[y]), 4\n" ETUDE_HWLOOP_END                                    \
                   : [x] "+&r"(x), [y] "+&r"(y), [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2),  \
                     [t3] "=&r"(t3)                                                               \
                   : [n] "r"(quads), [scale] "r"(scale), [shift] "r"(shift), [top] "r"(top)       \
                   : "memory")
#define AFFINE_RELU                                                                           \
  "cv.max %[t0], %[t0], x0\ncv.max %[t1], %[t1], x0\ncv.max %[t2], %[t2], x0\ncv.max %[t3], " \
  "%[t3], x0\n"
#define AFFINE_TOP                                                                                 \
  "cv.min %[t0], %[t0], %[top]\ncv.min %[t1], %[t1], %[top]\ncv.min %[t2], %[t2], %[top]\ncv.min " \
  "%[t3], %[t3], %[top]\n"
#endif

static inline float activated(float value, uint32_t activation) {
  const uint32_t bits = etude_bits(value);
  if (activation == ETUDE_ACTIVATION_NONE) {
    return value;
  }
  if ((int32_t)bits <= 0) {
    return 0.0f;
  }
  const uint32_t six = 0x40C00000u;
  return activation == ETUDE_ACTIVATION_RELU6 && bits > six ? etude_from_bits(six) : value;
}

void etude_affine_rows(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_affine_rows_args* a = args;
  const uint32_t activation = a->activation;
  ETUDE_FOR_PIECES(a->rows, a->cols, 0, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t channel = p_.row;
    while (channel >= a->channels) {
      channel -= a->channels;
    }
    const float scale = a->scale ? ETUDE_F(a->scale)[channel] : 1.0f;
    const float shift = a->shift ? ETUDE_F(a->shift)[channel] : -0.0f;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      float t0, t1, t2, t3;
      const uint32_t top = 0x40C00000u;
      if (activation == ETUDE_ACTIVATION_NONE) {
        AFFINE_QUADS(12, "");
      } else if (activation == ETUDE_ACTIVATION_RELU) {
        AFFINE_QUADS(16, AFFINE_RELU);
      } else {
        AFFINE_QUADS(20, AFFINE_RELU AFFINE_TOP);
      }
      n &= 3;
    }
#endif
    for (; n; n--) {
      *y++ = activated(etude_fma(*x++, scale, shift), activation);
    }
  }
}

/* Four chains per row, added in pairs at the end. */
void etude_row_sum(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_row_sum_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* p = ETUDE_F(a->src) + row * a->pitch_src;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const uint32_t quads = a->cols >> 2;
#if ETUDE_ASM
    if (quads) {
      float t0, t1, t2, t3;
      __asm__ volatile(ETUDE_HWLOOP(8)
                       "cv.lw %[t0], (%[p]), 4\n"
                       "cv.lw %[t1], (%[p]), 4\n"
                       "cv.lw %[t2], (%[p]), 4\n"
                       "cv.lw %[t3], (%[p]), 4\n"
                       "fadd.s %[s0], %[s0], %[t0]\n"
                       "fadd.s %[s1], %[s1], %[t1]\n"
                       "fadd.s %[s2], %[s2], %[t2]\n"
                       "fadd.s %[s3], %[s3], %[t3]\n" ETUDE_HWLOOP_END
                       : [p] "+&r"(p), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2),
                         [s3] "+&r"(s3), [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2),
                         [t3] "=&r"(t3)
                       : [n] "r"(quads)
                       : "memory");
    }
#else
    for (uint32_t i = 0; i < quads; i++, p += 4) {
      s0 += p[0];
      s1 += p[1];
      s2 += p[2];
      s3 += p[3];
    }
#endif
    for (uint32_t i = 0; i < (a->cols & 3); i++) {
      s0 += p[i];
    }
    const float sum = (s0 + s1) + (s2 + s3);
    ETUDE_F(a->dst)[row] = a->accumulate ? ETUDE_F(a->dst)[row] + sum : sum;
  }
}
