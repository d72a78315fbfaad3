/* SPDX-License-Identifier: Apache-2.0
 * struct etude_window_args taken apart. */
#ifndef ETUDE_LIB_WINDOW_H
#define ETUDE_LIB_WINDOW_H
#include "kernels/lib/support.h"

struct window {
  int32_t height, width, kh, kw, sy, sx, top, left, out_height, out_width;
};

static inline struct window window_of(const struct etude_window_args* a) {
  struct window w;
  w.height = (int32_t)a->height;
  w.width = (int32_t)a->width;
  w.kh = (int32_t)(a->kernel >> 16);
  w.kw = (int32_t)(a->kernel & 0xFFFF);
  w.sy = (int32_t)(a->stride >> 16);
  w.sx = (int32_t)(a->stride & 0xFFFF);
  w.top = (int32_t)a->pad >> 16;
  w.left = (int16_t)(a->pad & 0xFFFF);
  w.out_height = (int32_t)a->out_height;
  w.out_width = (int32_t)a->out_width;
  return w;
}

/* The output columns [first, end) whose pixel x * sx + offset lies in [0, width). */
static inline void window_columns(const struct window* w, int32_t offset, int32_t* first,
                                  int32_t* end) {
  int32_t low = offset < 0 ? (w->sx == 1 ? -offset : (w->sx - 1 - offset) / w->sx) : 0;
  const int32_t last = w->width - 1 - offset; /* largest x * sx */
  int32_t high = last < 0 ? 0 : (w->sx == 1 ? last : last / w->sx) + 1;
  high = high < w->out_width ? high : w->out_width;
  low = low < high ? low : high;
  *first = low;
  *end = high;
}

/* n words from src to dst, each with its own step in bytes. */
static inline void strided_copy(uint32_t* dst, uint32_t dst_step, const uint32_t* src,
                                uint32_t src_step, uint32_t n) {
#if ETUDE_ASM
  uint32_t t;
  __asm__ volatile(ETUDE_HWLOOP(3)
                   "cv.lw %[t], (%[src]), %[ss]\n"
                   "addi x0, x0, 0\n"
                   "cv.sw %[t], (%[dst]), %[ds]\n" ETUDE_HWLOOP_END
                   : [src] "+&r"(src), [dst] "+&r"(dst), [t] "=&r"(t)
                   : [n] "r"(n), [ss] "r"(src_step), [ds] "r"(dst_step)
                   : "memory");
#else
  for (; n; n--, src += src_step / 4, dst += dst_step / 4) {
    *dst = *src;
  }
#endif
}
#endif
