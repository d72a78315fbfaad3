/* SPDX-License-Identifier: Apache-2.0
 * Transposition in blocks of 4x4 words that pass through registers: four consecutive words are
 * loaded and stored at a time, so that workers a cycle apart follow each other through the banks.
 * (A word at a time, all loads of a worker would go to one bank when the pitch is a multiple of 16,
 * and the workers' banks would often be the same.) */
#include "kernels/lib/support.h"

#if ETUDE_ASM
/* `quads` blocks of 4x4, down four columns of src. */
static inline void blocks(uint32_t src, uint32_t dst, uint32_t pitch, uint32_t pitch_dst,
                          uint32_t quads) {
  uint32_t t0, t1, t2, t3, t4, t5, t6, t7, u0, u1, u2, u3, u4, u5, u6, u7;
  const uint32_t down = pitch - 12;        /* from the last word of a row of src to the next row */
  const uint32_t next = pitch_dst - 12;    /* the same in dst */
  const uint32_t back = 4 - 3 * pitch_dst; /* from the block's last word in dst to the next block */
  __asm__ volatile(ETUDE_HWLOOP(32)
                   "cv.lw %[t0], (%[src]), 4\n"
                   "cv.lw %[t4], (%[src]), 4\n"
                   "cv.lw %[u0], (%[src]), 4\n"
                   "cv.lw %[u4], (%[src]), %[down]\n"
                   "cv.lw %[t1], (%[src]), 4\n"
                   "cv.lw %[t5], (%[src]), 4\n"
                   "cv.lw %[u1], (%[src]), 4\n"
                   "cv.lw %[u5], (%[src]), %[down]\n"
                   "cv.lw %[t2], (%[src]), 4\n"
                   "cv.lw %[t6], (%[src]), 4\n"
                   "cv.lw %[u2], (%[src]), 4\n"
                   "cv.lw %[u6], (%[src]), %[down]\n"
                   "cv.lw %[t3], (%[src]), 4\n"
                   "cv.lw %[t7], (%[src]), 4\n"
                   "cv.lw %[u3], (%[src]), 4\n"
                   "cv.lw %[u7], (%[src]), %[down]\n"
                   "cv.sw %[t0], (%[dst]), 4\n"
                   "cv.sw %[t1], (%[dst]), 4\n"
                   "cv.sw %[t2], (%[dst]), 4\n"
                   "cv.sw %[t3], (%[dst]), %[next]\n"
                   "cv.sw %[t4], (%[dst]), 4\n"
                   "cv.sw %[t5], (%[dst]), 4\n"
                   "cv.sw %[t6], (%[dst]), 4\n"
                   "cv.sw %[t7], (%[dst]), %[next]\n"
                   "cv.sw %[u0], (%[dst]), 4\n"
                   "cv.sw %[u1], (%[dst]), 4\n"
                   "cv.sw %[u2], (%[dst]), 4\n"
                   "cv.sw %[u3], (%[dst]), %[next]\n"
                   "cv.sw %[u4], (%[dst]), 4\n"
                   "cv.sw %[u5], (%[dst]), 4\n"
                   "cv.sw %[u6], (%[dst]), 4\n"
                   "cv.sw %[u7], (%[dst]), %[back]\n" ETUDE_HWLOOP_END
                   : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                     [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
                     [t6] "=&r"(t6), [t7] "=&r"(t7), [u0] "=&r"(u0), [u1] "=&r"(u1),
                     [u2] "=&r"(u2), [u3] "=&r"(u3), [u4] "=&r"(u4), [u5] "=&r"(u5),
                     [u6] "=&r"(u6), [u7] "=&r"(u7)
                   : [n] "r"(quads), [down] "r"(down), [next] "r"(next), [back] "r"(back)
                   : "memory");
}

/* The same with a mask, two rows of src at a time; `pairs` blocks of 2x4. cv.clipu with 2 gives 0
 * or 1, and an integer product with that keeps or drops all bits. */
static inline void masked_blocks(uint32_t src, uint32_t y, uint32_t dst, uint32_t pitch,
                                 uint32_t pitch_y, uint32_t pitch_dst, uint32_t pairs) {
  uint32_t t0, t1, t2, t3, t4, t5, t6, t7, m0, m1, m2, m3;
  const uint32_t down = pitch - 12, down_y = pitch_y - 12;
  const uint32_t next = pitch_dst - 4, back = 4 - 3 * pitch_dst;
  __asm__ volatile(ETUDE_HWLOOP(40)
                   "cv.lw %[m0], (%[y]), 4\n"
                   "cv.lw %[m1], (%[y]), 4\n"
                   "cv.lw %[m2], (%[y]), 4\n"
                   "cv.lw %[m3], (%[y]), %[down_y]\n"
                   "cv.lw %[t0], (%[src]), 4\n"
                   "cv.lw %[t2], (%[src]), 4\n"
                   "cv.lw %[t4], (%[src]), 4\n"
                   "cv.lw %[t6], (%[src]), %[down]\n"
                   "cv.clipu %[m0], %[m0], 2\n"
                   "cv.clipu %[m1], %[m1], 2\n"
                   "cv.clipu %[m2], %[m2], 2\n"
                   "cv.clipu %[m3], %[m3], 2\n"
                   "mul %[t0], %[t0], %[m0]\n"
                   "mul %[t2], %[t2], %[m1]\n"
                   "mul %[t4], %[t4], %[m2]\n"
                   "mul %[t6], %[t6], %[m3]\n"
                   "cv.lw %[m0], (%[y]), 4\n"
                   "cv.lw %[m1], (%[y]), 4\n"
                   "cv.lw %[m2], (%[y]), 4\n"
                   "cv.lw %[m3], (%[y]), %[down_y]\n"
                   "cv.lw %[t1], (%[src]), 4\n"
                   "cv.lw %[t3], (%[src]), 4\n"
                   "cv.lw %[t5], (%[src]), 4\n"
                   "cv.lw %[t7], (%[src]), %[down]\n"
                   "cv.clipu %[m0], %[m0], 2\n"
                   "cv.clipu %[m1], %[m1], 2\n"
                   "cv.clipu %[m2], %[m2], 2\n"
                   "cv.clipu %[m3], %[m3], 2\n"
                   "mul %[t1], %[t1], %[m0]\n"
                   "mul %[t3], %[t3], %[m1]\n"
                   "mul %[t5], %[t5], %[m2]\n"
                   "mul %[t7], %[t7], %[m3]\n"
                   "cv.sw %[t0], (%[dst]), 4\n"
                   "cv.sw %[t1], (%[dst]), %[next]\n"
                   "cv.sw %[t2], (%[dst]), 4\n"
                   "cv.sw %[t3], (%[dst]), %[next]\n"
                   "cv.sw %[t4], (%[dst]), 4\n"
                   "cv.sw %[t5], (%[dst]), %[next]\n"
                   "cv.sw %[t6], (%[dst]), 4\n"
                   "cv.sw %[t7], (%[dst]), %[back]\n" ETUDE_HWLOOP_END
                   : [src] "+&r"(src), [y] "+&r"(y), [dst] "+&r"(dst), [t0] "=&r"(t0),
                     [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4),
                     [t5] "=&r"(t5), [t6] "=&r"(t6), [t7] "=&r"(t7), [m0] "=&r"(m0),
                     [m1] "=&r"(m1), [m2] "=&r"(m2), [m3] "=&r"(m3)
                   : [n] "r"(pairs), [down] "r"(down), [down_y] "r"(down_y), [next] "r"(next),
                     [back] "r"(back)
                   : "memory");
}
#else
static inline void masked_blocks(uint32_t src, uint32_t y, uint32_t dst, uint32_t pitch,
                                 uint32_t pitch_y, uint32_t pitch_dst, uint32_t pairs) {
  for (uint32_t r = 0; r < 2 * pairs; r++) {
    for (uint32_t c = 0; c < 4; c++) {
      const uint32_t value = *ETUDE_W(src + r * pitch + 4 * c);
      const int keep = y == 0 || (int32_t)*ETUDE_W(y + r * pitch_y + 4 * c) > 0;
      *ETUDE_W(dst + c * pitch_dst + 4 * r) = keep ? value : 0;
    }
  }
}

static inline void blocks(uint32_t src, uint32_t dst, uint32_t pitch, uint32_t pitch_dst,
                          uint32_t quads) {
  masked_blocks(src, 0, dst, pitch, 0, pitch_dst, 2 * quads);
}
#endif

/* One word at a time: what is left at the edges. */
static void edge(const struct etude_transpose_args* a, uint32_t row, uint32_t col) {
  const uint32_t value = ETUDE_W(a->src)[row * a->pitch_src + col];
  const int keep = a->y == 0 || (int32_t)ETUDE_W(a->y)[row * a->pitch_y + col] > 0;
  ETUDE_W(a->dst)[col * a->pitch_dst + row] = keep ? value : 0;
}

void etude_transpose(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_transpose_args* a = args;
  const uint32_t pitch = a->pitch_src * 4, pitch_y = a->pitch_y * 4, pitch_dst = a->pitch_dst * 4;
  const uint32_t rows = a->rows & ~3u, cols = a->cols & ~3u;
  const uint32_t high = rows >> 2;
  if (high != 0) {
    /* blocks in the order of src's columns, each column of blocks from top to bottom */
    struct etude_range range = etude_split(high * (cols >> 2), worker, workers);
    uint32_t strip = range.begin / high;
    uint32_t block = range.begin - strip * high;
    while (range.count) {
      const uint32_t n = etude_min(range.count, high - block);
      const uint32_t src = a->src + 16 * strip + 4 * block * pitch;
      const uint32_t dst = a->dst + 4 * strip * pitch_dst + 16 * block;
      if (a->y) {
        masked_blocks(src, a->y + 16 * strip + 4 * block * pitch_y, dst, pitch, pitch_y, pitch_dst,
                      2 * n);
      } else {
        blocks(src, dst, pitch, pitch_dst, n);
      }
      range.count -= n;
      block = 0;
      strip++;
    }
  }
  if (cols != a->cols) {
    for (uint32_t row = worker; row < a->rows; row += workers) {
      for (uint32_t col = cols; col < a->cols; col++) {
        edge(a, row, col);
      }
    }
  }
  if (rows != a->rows) {
    for (uint32_t col = worker; col < cols; col += workers) {
      for (uint32_t row = rows; row < a->rows; row++) {
        edge(a, row, col);
      }
    }
  }
}
