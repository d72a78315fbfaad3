/* SPDX-License-Identifier: Apache-2.0
 * An image as a matrix of rows, one per output pixel: the second factor of dW = dY rows for an
 * engine that cannot transpose. Workers take turns at the pixels, so that they read neighbouring
 * banks. */
#include "kernels/lib/conv/window.h"

static inline void strided_zeros(uint32_t* dst, uint32_t step, uint32_t n) {
  for (; n; n--, dst += step / 4) {
    *dst = 0;
  }
}

/* Three neighbouring words of every channel: the row of a 3-wide filter. */
static inline void strided_threes(uint32_t* dst, uint32_t dst_step, const uint32_t* src,
                                  uint32_t src_step, uint32_t n) {
#if ETUDE_ASM
  uint32_t t0, t1, t2;
  __asm__ volatile(ETUDE_HWLOOP(6)
                   "cv.lw %[t0], (%[src]), 4\n"
                   "cv.lw %[t1], (%[src]), 4\n"
                   "cv.lw %[t2], (%[src]), %[ss]\n"
                   "cv.sw %[t0], (%[dst]), 4\n"
                   "cv.sw %[t1], (%[dst]), 4\n"
                   "cv.sw %[t2], (%[dst]), %[ds]\n" ETUDE_HWLOOP_END
                   : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                     [t2] "=&r"(t2)
                   : [n] "r"(n), [ss] "r"(src_step - 8), [ds] "r"(dst_step - 8)
                   : "memory");
#else
  for (; n; n--, src += src_step / 4, dst += dst_step / 4) {
    dst[0] = src[0];
    dst[1] = src[1];
    dst[2] = src[2];
  }
#endif
}

void etude_im2row(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const uint32_t channels = a->channels, src_step = 4 * a->channel_pitch;
  const uint32_t dst_step = 4 * (uint32_t)(w.kh * w.kw);
  const uint32_t pixels = (uint32_t)(w.out_height * w.out_width);
  int32_t y = 0, x = (int32_t)worker;
  for (uint32_t pixel = worker; pixel < pixels; pixel += workers, x += (int32_t)workers) {
    while (x >= w.out_width) {
      x -= w.out_width;
      y++;
    }
    uint32_t* dst = ETUDE_W(a->dst) + pixel * a->pitch;
    const int32_t top = y * w.sy - w.top, left = x * w.sx - w.left;
    for (int32_t ky = 0; ky < w.kh; ky++) {
      const int32_t row = top + ky;
      const int inside = row >= 0 && row < w.height;
      const uint32_t* src = ETUDE_W(a->src) + row * w.width + left;
      if (inside && w.kw == 3 && left >= 0 && left + 3 <= w.width) {
        strided_threes(dst, dst_step, src, src_step, channels);
        dst += 3;
        continue;
      }
      for (int32_t kx = 0; kx < w.kw; kx++, src++, dst++) {
        if (inside && left + kx >= 0 && left + kx < w.width) {
          strided_copy(dst, dst_step, src, src_step, channels);
        } else {
          strided_zeros(dst, dst_step, channels);
        }
      }
    }
  }
}
