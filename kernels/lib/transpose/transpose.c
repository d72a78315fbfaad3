/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/lib/support.h"

/* Works along the rows of dst: contiguous stores, loads a pitch apart. */
void etude_transpose(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_transpose_args* a = args;
  const uint32_t pitch = a->pitch_src * 4;
  const uint32_t pitch_y = a->pitch_y * 4;
  ETUDE_FOR_PIECES(a->cols, a->rows, 0, worker, workers) {
    /* row and col of the piece are those of dst */
    uint32_t src = a->src + 4 * p_.row + pitch * p_.col;
    uint32_t y = a->y + 4 * p_.row + pitch_y * p_.col;
    uint32_t* dst = ETUDE_W(a->dst) + p_.row * a->pitch_dst + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      uint32_t t0, t1, t2, t3, u0, u1, u2, u3;
      if (a->y == 0) {
        __asm__ volatile(ETUDE_HWLOOP(8)
                         "cv.lw %[t0], (%[src]), %[pitch]\n"
                         "cv.lw %[t1], (%[src]), %[pitch]\n"
                         "cv.lw %[t2], (%[src]), %[pitch]\n"
                         "cv.lw %[t3], (%[src]), %[pitch]\n"
                         "cv.sw %[t0], (%[dst]), 4\n"
                         "cv.sw %[t1], (%[dst]), 4\n"
                         "cv.sw %[t2], (%[dst]), 4\n"
                         "cv.sw %[t3], (%[dst]), 4\n" ETUDE_HWLOOP_END
                         : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                           [t2] "=&r"(t2), [t3] "=&r"(t3)
                         : [n] "r"(quads), [pitch] "r"(pitch)
                         : "memory");
      } else {
        __asm__ volatile(ETUDE_HWLOOP(20)
                         "cv.lw %[u0], (%[y]), %[pitch_y]\n"
                         "cv.lw %[u1], (%[y]), %[pitch_y]\n"
                         "cv.lw %[u2], (%[y]), %[pitch_y]\n"
                         "cv.lw %[u3], (%[y]), %[pitch_y]\n"
                         "cv.lw %[t0], (%[src]), %[pitch]\n"
                         "cv.lw %[t1], (%[src]), %[pitch]\n"
                         "cv.lw %[t2], (%[src]), %[pitch]\n"
                         "cv.lw %[t3], (%[src]), %[pitch]\n"
                         "cv.clipu %[u0], %[u0], 2\n"
                         "cv.clipu %[u1], %[u1], 2\n"
                         "cv.clipu %[u2], %[u2], 2\n"
                         "cv.clipu %[u3], %[u3], 2\n"
                         "mul %[t0], %[t0], %[u0]\n"
                         "mul %[t1], %[t1], %[u1]\n"
                         "mul %[t2], %[t2], %[u2]\n"
                         "mul %[t3], %[t3], %[u3]\n"
                         "cv.sw %[t0], (%[dst]), 4\n"
                         "cv.sw %[t1], (%[dst]), 4\n"
                         "cv.sw %[t2], (%[dst]), 4\n"
                         "cv.sw %[t3], (%[dst]), 4\n" ETUDE_HWLOOP_END
                         : [src] "+&r"(src), [y] "+&r"(y), [dst] "+&r"(dst), [t0] "=&r"(t0),
                           [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [u0] "=&r"(u0),
                           [u1] "=&r"(u1), [u2] "=&r"(u2), [u3] "=&r"(u3)
                         : [n] "r"(quads), [pitch] "r"(pitch), [pitch_y] "r"(pitch_y)
                         : "memory");
      }
      n &= 3;
    }
#endif
    for (; n; n--, src += pitch, y += pitch_y) {
      const uint32_t value = *ETUDE_W(src);
      *dst++ = a->y == 0 || (int32_t)*ETUDE_W(y) > 0 ? value : 0;
    }
  }
}
