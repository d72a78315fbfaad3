/* SPDX-License-Identifier: Apache-2.0
 * Sums: over the rows of a matrix (bias gradients), over everything (the loss). */
#include "kernels/lib/support.h"

/* Every column is one chain in ascending row order, from 0 or from dst. */
void etude_column_sum(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_column_sum_args* a = args;
  const struct etude_range range = etude_split(a->cols, worker, workers);
  const uint32_t rows = a->rows;
  const uint32_t pitch = a->pitch_src * 4;
  const float* src = ETUDE_F(a->src) + range.begin;
  float* dst = ETUDE_F(a->dst) + range.begin;
  uint32_t n = range.count;
  for (; n >= 4; n -= 4, src += 4, dst += 4) {
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    if (a->accumulate) {
      s0 = dst[0];
      s1 = dst[1];
      s2 = dst[2];
      s3 = dst[3];
    }
#if ETUDE_ASM
    const float* p = src;
    const uint32_t back = pitch - 12;
    float t0, t1, t2, t3;
    __asm__ volatile(ETUDE_HWLOOP(8)
                     "cv.lw %[t0], (%[p]), 4\n"
                     "cv.lw %[t1], (%[p]), 4\n"
                     "cv.lw %[t2], (%[p]), 4\n"
                     "cv.lw %[t3], (%[p]), %[back]\n"
                     "fadd.s %[s0], %[s0], %[t0]\n"
                     "fadd.s %[s1], %[s1], %[t1]\n"
                     "fadd.s %[s2], %[s2], %[t2]\n"
                     "fadd.s %[s3], %[s3], %[t3]\n" ETUDE_HWLOOP_END
                     : [p] "+&r"(p), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2),
                       [s3] "+&r"(s3), [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2),
                       [t3] "=&r"(t3)
                     : [n] "r"(rows), [back] "r"(back)
                     : "memory");
#else
    const float* p = src;
    for (uint32_t r = 0; r < rows; r++, p += pitch / 4) {
      s0 += p[0];
      s1 += p[1];
      s2 += p[2];
      s3 += p[3];
    }
#endif
    dst[0] = s0;
    dst[1] = s1;
    dst[2] = s2;
    dst[3] = s3;
  }
  for (; n; n--, src++, dst++) {
    float s = a->accumulate ? *dst : 0.0f;
    const float* p = src;
#if ETUDE_ASM
    float t;
    __asm__ volatile(ETUDE_HWLOOP(3)
                     "cv.lw %[t], (%[p]), %[pitch]\n"
                     "nop\n"
                     "fadd.s %[s], %[s], %[t]\n" ETUDE_HWLOOP_END
                     : [p] "+&r"(p), [s] "+&r"(s), [t] "=&r"(t)
                     : [n] "r"(rows), [pitch] "r"(pitch)
                     : "memory");
#else
    for (uint32_t r = 0; r < rows; r++, p += pitch / 4) {
      s += *p;
    }
#endif
    *dst = s;
  }
}

/* Four chains per worker, added pairwise; then worker 0 adds the workers' sums in ascending
 * order. */
void etude_mse(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_mse_args* a = args;
  const int dense = a->pitch_y == a->cols && a->pitch_t == a->cols && a->pitch_dy == a->cols;
  const float scale = etude_from_bits(a->scale_grad);
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    const float* t = ETUDE_F(a->t) + p_.row * a->pitch_t + p_.col;
    float* dy = ETUDE_F(a->dy) + p_.row * a->pitch_dy + p_.col;
    uint32_t n = p_.n;
    const uint32_t quads = n >> 2;
#if ETUDE_ASM
    if (quads) {
      uint32_t t0, t1, t2, t3, u0, u1, u2, u3;
      __asm__ volatile(ETUDE_HWLOOP(24)
                       "cv.lw %[t0], (%[y]), 4\n"
                       "cv.lw %[u0], (%[t]), 4\n"
                       "cv.lw %[t1], (%[y]), 4\n"
                       "cv.lw %[u1], (%[t]), 4\n"
                       "cv.lw %[t2], (%[y]), 4\n"
                       "cv.lw %[u2], (%[t]), 4\n"
                       "cv.lw %[t3], (%[y]), 4\n"
                       "cv.lw %[u3], (%[t]), 4\n"
                       "fsub.s %[t0], %[t0], %[u0]\n"
                       "fsub.s %[t1], %[t1], %[u1]\n"
                       "fsub.s %[t2], %[t2], %[u2]\n"
                       "fsub.s %[t3], %[t3], %[u3]\n"
                       "fmul.s %[u0], %[t0], %[k]\n"
                       "fmul.s %[u1], %[t1], %[k]\n"
                       "fmul.s %[u2], %[t2], %[k]\n"
                       "fmul.s %[u3], %[t3], %[k]\n"
                       "fmadd.s %[s0], %[t0], %[t0], %[s0]\n"
                       "fmadd.s %[s1], %[t1], %[t1], %[s1]\n"
                       "fmadd.s %[s2], %[t2], %[t2], %[s2]\n"
                       "fmadd.s %[s3], %[t3], %[t3], %[s3]\n"
                       "cv.sw %[u0], (%[dy]), 4\n"
                       "cv.sw %[u1], (%[dy]), 4\n"
                       "cv.sw %[u2], (%[dy]), 4\n"
                       "cv.sw %[u3], (%[dy]), 4\n" ETUDE_HWLOOP_END
                       : [y] "+&r"(y), [t] "+&r"(t), [dy] "+&r"(dy), [s0] "+&r"(s0),
                         [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [t0] "=&r"(t0),
                         [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [u0] "=&r"(u0),
                         [u1] "=&r"(u1), [u2] "=&r"(u2), [u3] "=&r"(u3)
                       : [n] "r"(quads), [k] "r"(scale)
                       : "memory");
    }
#else
    for (uint32_t i = 0; i < quads; i++, y += 4, t += 4, dy += 4) {
      const float d0 = y[0] - t[0], d1 = y[1] - t[1], d2 = y[2] - t[2], d3 = y[3] - t[3];
      dy[0] = d0 * scale;
      dy[1] = d1 * scale;
      dy[2] = d2 * scale;
      dy[3] = d3 * scale;
      s0 = __builtin_fmaf(d0, d0, s0);
      s1 = __builtin_fmaf(d1, d1, s1);
      s2 = __builtin_fmaf(d2, d2, s2);
      s3 = __builtin_fmaf(d3, d3, s3);
    }
#endif
    for (n &= 3; n; n--) {
      const float d = *y++ - *t++;
      *dy++ = d * scale;
      s0 = __builtin_fmaf(d, d, s0);
    }
  }
  float* scratch = etude_scratch();
  scratch[4 * worker] = (s0 + s1) + (s2 + s3);
  etude_barrier();
  if (worker == 0) {
    float sum = scratch[0];
    for (uint32_t i = 1; i < workers; i++) {
      sum += scratch[4 * i];
    }
    float* loss = ETUDE_F(a->loss);
    *loss = __builtin_fmaf(etude_from_bits(a->scale_loss), sum, *loss);
  }
}
