/* SPDX-License-Identifier: Apache-2.0
 * Conversion between binary32 and binary16, rounded to nearest even. */
#include "kernels/lib/support.h"

void etude_fp32_to_fp16(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_convert_args* a = args;
  const int dense = a->pitch_src == a->cols && a->pitch_dst == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* src = ETUDE_F(a->src) + p_.row * a->pitch_src + p_.col;
    _Float16* dst = ETUDE_H(a->dst) + p_.row * a->pitch_dst + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      uint32_t t0, t1, t2, t3;
      __asm__ volatile(ETUDE_HWLOOP(12)
                       "cv.lw %[t0], (%[src]), 4\n"
                       "cv.lw %[t1], (%[src]), 4\n"
                       "cv.lw %[t2], (%[src]), 4\n"
                       "cv.lw %[t3], (%[src]), 4\n"
                       "fcvt.h.s %[t0], %[t0]\n"
                       "fcvt.h.s %[t1], %[t1]\n"
                       "fcvt.h.s %[t2], %[t2]\n"
                       "fcvt.h.s %[t3], %[t3]\n"
                       "cv.sh %[t0], (%[dst]), 2\n"
                       "cv.sh %[t1], (%[dst]), 2\n"
                       "cv.sh %[t2], (%[dst]), 2\n"
                       "cv.sh %[t3], (%[dst]), 2\n" ETUDE_HWLOOP_END
                       : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [t2] "=&r"(t2), [t3] "=&r"(t3)
                       : [n] "r"(quads)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *dst++ = (_Float16)*src++;
    }
  }
}

void etude_fp16_to_fp32(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_convert_args* a = args;
  const int dense = a->pitch_src == a->cols && a->pitch_dst == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const _Float16* src = ETUDE_H(a->src) + p_.row * a->pitch_src + p_.col;
    float* dst = ETUDE_F(a->dst) + p_.row * a->pitch_dst + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      uint32_t t0, t1, t2, t3;
      __asm__ volatile(ETUDE_HWLOOP(12)
                       "cv.lhu %[t0], (%[src]), 2\n"
                       "cv.lhu %[t1], (%[src]), 2\n"
                       "cv.lhu %[t2], (%[src]), 2\n"
                       "cv.lhu %[t3], (%[src]), 2\n"
                       "fcvt.s.h %[t0], %[t0]\n"
                       "fcvt.s.h %[t1], %[t1]\n"
                       "fcvt.s.h %[t2], %[t2]\n"
                       "fcvt.s.h %[t3], %[t3]\n"
                       "cv.sw %[t0], (%[dst]), 4\n"
                       "cv.sw %[t1], (%[dst]), 4\n"
                       "cv.sw %[t2], (%[dst]), 4\n"
                       "cv.sw %[t3], (%[dst]), 4\n" ETUDE_HWLOOP_END
                       : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [t2] "=&r"(t2), [t3] "=&r"(t3)
                       : [n] "r"(quads)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *dst++ = (float)*src++;
    }
  }
}
