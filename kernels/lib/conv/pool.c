/* SPDX-License-Identifier: Apache-2.0
 * Pooling over windows. Forward: an output row is a unit of work; backward: a channel, because
 * windows may overlap. */
#include "kernels/lib/conv/window.h"
#include "kernels/lib/math.h"

struct box {
  int32_t y0, y1, x0, x1; /* pixels of the image that the window covers */
};

static inline struct box box_of(const struct window* w, int32_t y, int32_t x) {
  struct box b = {y * w->sy - w->top, 0, x * w->sx - w->left, 0};
  b.y1 = b.y0 + w->kh < w->height ? b.y0 + w->kh : w->height;
  b.x1 = b.x0 + w->kw < w->width ? b.x0 + w->kw : w->width;
  b.y0 = b.y0 < 0 ? 0 : b.y0;
  b.x0 = b.x0 < 0 ? 0 : b.x0;
  return b;
}

/* n outputs of windows 3 columns wide and 2 apart that lie inside the image, but for the first
 * column of the first one if it is `outside`. Maxima of the last column of a window are those of
 * the first of the next one. Windows of less than three rows have a row twice. No result is below
 * `least`. */
static void maxima_3_2(float* dst, const float* r0, const float* r1, const float* r2, int outside,
                       float least, uint32_t n) {
  float m = ETUDE_CONSTANT(0xFF800000u); /* -inf: the first column may lie outside */
  if (!outside) {
    m = __builtin_fmaxf(__builtin_fmaxf(*r0++, *r1++), *r2++);
  }
#if ETUDE_ASM
  float a0, a1, a2, b0, b1, b2;
  __asm__ volatile(ETUDE_HWLOOP(14)
                   "cv.lw %[a0], (%[r0]), 4\n"
                   "cv.lw %[a1], (%[r1]), 4\n"
                   "cv.lw %[a2], (%[r2]), 4\n"
                   "cv.lw %[b0], (%[r0]), 4\n"
                   "cv.lw %[b1], (%[r1]), 4\n"
                   "cv.lw %[b2], (%[r2]), 4\n"
                   "fmax.s %[a0], %[a0], %[a1]\n"
                   "fmax.s %[b0], %[b0], %[b1]\n"
                   "fmax.s %[a2], %[a2], %[m]\n"
                   "fmax.s %[m], %[b0], %[b2]\n"
                   "fmax.s %[a0], %[a0], %[a2]\n"
                   "fmax.s %[b0], %[m], %[least]\n"
                   "fmax.s %[a0], %[a0], %[b0]\n"
                   "cv.sw %[a0], (%[dst]), 4\n" ETUDE_HWLOOP_END
                   : [dst] "+&r"(dst), [r0] "+&r"(r0), [r1] "+&r"(r1), [r2] "+&r"(r2),
                     [m] "+&r"(m), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [b0] "=&r"(b0),
                     [b1] "=&r"(b1), [b2] "=&r"(b2)
                   : [n] "r"(n), [least] "r"(least)
                   : "memory");
#else
  for (; n; n--, r0 += 2, r1 += 2, r2 += 2) {
    const float a = __builtin_fmaxf(__builtin_fmaxf(r0[0], r1[0]), __builtin_fmaxf(r2[0], m));
    m = __builtin_fmaxf(__builtin_fmaxf(r0[1], r1[1]), r2[1]);
    *dst++ = __builtin_fmaxf(a, __builtin_fmaxf(m, least));
  }
#endif
}

static void pool(const struct etude_window_args* args, int average, uint32_t worker,
                 uint32_t workers) {
  struct etude_window_args plain = *args;
  const struct etude_window_args* a = &plain;
  /* 0 with a ReLU */
  const float least = etude_from_bits(plain.kernel >> 31 ? 0 : 0xFF800000u);
  plain.kernel &= 0x7FFFFFFFu;
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels * a->out_height, worker, workers);
  /* outputs up to `end` have windows that lie inside the image, but for a first column */
  int32_t end = 0;
  if (!average && w.kh <= 3 && w.kw == 3 && w.sx == 2 && (w.left | 1) == 1) {
    end = w.width + w.left - 3;
    end = end < 0 ? 0 : (end >> 1) + 1;
    end = end < w.out_width ? end : w.out_width;
  }
  uint32_t channel = range.begin / a->out_height;
  int32_t y = (int32_t)(range.begin - channel * a->out_height) - 1;
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    if (++y == w.out_height) {
      y = 0;
      channel++;
    }
    const float* src = ETUDE_F(a->src) + channel * a->channel_pitch;
    float* dst = ETUDE_F(a->dst) + channel * a->pitch + (uint32_t)(y * w.out_width);
    if (end) {
      const struct box b = box_of(&w, y, 0);
      const float* line = src + b.y0 * w.width;
      const float* last = src + (b.y1 - 1) * w.width;
      maxima_3_2(dst, line, b.y1 - b.y0 == 3 ? line + w.width : line, last, w.left, least,
                 (uint32_t)end);
    }
    for (int32_t x = end; x < w.out_width; x++) {
      const struct box b = box_of(&w, y, x);
      float value = average ? 0.0f : src[b.y0 * w.width + b.x0];
      const float* line = src + b.y0 * w.width + b.x0;
      for (int32_t row = b.y0; row < b.y1; row++, line += w.width) {
        const int32_t n = b.x1 - b.x0;
        if (!average && n == 3) { /* the usual case: two chains */
          const float v0 = line[0], v1 = line[1], v2 = line[2];
          const float pair = __builtin_fmaxf(v1, v2);
          value = __builtin_fmaxf(value, v0);
          value = __builtin_fmaxf(value, pair);
          continue;
        }
        for (int32_t i = 0; i < n; i++) {
          value = average ? value + line[i] : __builtin_fmaxf(value, line[i]);
        }
      }
      dst[x] =
          average ? value / (float)((b.y1 - b.y0) * (b.x1 - b.x0)) : __builtin_fmaxf(value, least);
    }
  }
}

void etude_maxpool(const void* args, uint32_t worker, uint32_t workers) {
  pool(args, 0, worker, workers);
}

void etude_avgpool(const void* args, uint32_t worker, uint32_t workers) {
  pool(args, 1, worker, workers);
}

/* Adds each of n dy to the place of the first maximum, in row order, of a window of 3x3 pixels
 * whose rows begin at r0, r1, r2 and whose columns are right1 and right2 elements further on; the
 * next window begins `step` elements further. dx is `to_dx` bytes behind the image. Smaller windows
 * have rows or columns twice. Kept apart so that all of it stays in registers. */
static inline void scatter(const float* r0, const float* r1, const float* r2, uint32_t right1,
                           uint32_t right2, intptr_t to_dx, const float* dy, uint32_t step,
                           uint32_t n, float least) {
  for (; n; n--, r0 += step, r1 += step, r2 += step, dy++) {
    const float a0 = r0[0], a1 = r0[right1], a2 = r0[right2];
    const float b0 = r1[0], b1 = r1[right1], b2 = r1[right2];
    const float c0 = r2[0], c1 = r2[right1], c2 = r2[right2];
    float a = __builtin_fmaxf(a0, a1), b = __builtin_fmaxf(b0, b1), c = __builtin_fmaxf(c0, c1);
    a = __builtin_fmaxf(a, a2);
    b = __builtin_fmaxf(b, b2);
    c = __builtin_fmaxf(c, c2);
    const float most = __builtin_fmaxf(__builtin_fmaxf(a, b), c);
    if (most <= least) {
      continue;
    }
    const float* at = r0;
    float v0 = a0, v1 = a1;
    if (a != most) {
      at = r1;
      v0 = b0;
      v1 = b1;
      if (b != most) {
        at = r2;
        v0 = c0;
        v1 = c1;
      }
    }
    if (v0 != most) {
      at += v1 == most ? right1 : right2;
    }
    *(float*)((intptr_t)at + to_dx) += *dy;
  }
}

static __attribute__((noinline)) void scatter_wide(const float* r0, const float* r1,
                                                   const float* r2, intptr_t to_dx, const float* dy,
                                                   uint32_t step, uint32_t n, float least) {
  scatter(r0, r1, r2, 1, 2, to_dx, dy, step, n, least);
}

static __attribute__((noinline)) void scatter_one(const float* const* rows, uint32_t cols,
                                                  intptr_t to_dx, const float* dy, float least) {
  scatter(rows[0], rows[1], rows[2], cols > 1 ? 1 : 0, cols - 1, to_dx, dy, 0, 1, least);
}

/* One row of outputs of windows of at most 3x3. */
static __attribute__((noinline)) void scatter_row(const struct window* w, int32_t y,
                                                  const float* dy, const float* image,
                                                  intptr_t to_dx, float least) {
  const struct box b = box_of(w, y, 0);
  const float* r0 = image + b.y0 * w->width;
  const float* r1 = b.y1 - b.y0 > 1 ? r0 + w->width : r0;
  const float* r2 = r0 + (b.y1 - b.y0 - 1) * w->width;
  /* windows from `first` on, `wide` of them, are three columns wide */
  int32_t first = w->out_width, wide = 0;
  if (w->kw == 3 && w->width >= 3) {
    first = w->left > 0 ? (w->left + w->sx - 1) / w->sx : 0;
    wide = (w->width - 3 + w->left) / w->sx + 1 - first;
    wide = first + wide > w->out_width ? w->out_width - first : wide;
  }
  for (int32_t x = 0; x < w->out_width; x++) {
    if (x == first && wide > 0) {
      const int32_t left = x * w->sx - w->left;
      scatter_wide(r0 + left, r1 + left, r2 + left, to_dx, dy + x, (uint32_t)w->sx, (uint32_t)wide,
                   least);
      x += wide - 1;
      continue;
    }
    const int32_t left = x * w->sx - w->left, from = left < 0 ? 0 : left;
    const int32_t end = left + w->kw < w->width ? left + w->kw : w->width;
    const float* rows[3] = {r0 + from, r1 + from, r2 + from};
    scatter_one(rows, (uint32_t)(end - from), to_dx, dy + x, least);
  }
}

static void pool_grad(const struct etude_window_args* args, int average, uint32_t worker,
                      uint32_t workers) {
  struct etude_window_args plain = *args;
  const struct etude_window_args* a = &plain;
  /* Maxima up to here get nothing: those that a ReLU before the pooling has cut off. Nothing is
   * less than or equal to a NaN. */
  const float least = etude_from_bits(plain.kernel >> 31 ? 0 : 0x7FC00000u);
  plain.kernel &= 0x7FFFFFFFu;
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels, worker, workers);
  const int small = !average && w.kh <= 3 && w.kw <= 3;
  for (uint32_t channel = range.begin; channel < range.begin + range.count; channel++) {
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    const float* image = ETUDE_F(a->aux) + channel * a->channel_pitch;
    float* dx = ETUDE_F(a->dst) + channel * a->channel_pitch;
    etude_zero_words((uint32_t*)dx, (uint32_t)(w.height * w.width));
    for (int32_t y = 0; y < w.out_height; y++) {
      if (small) {
        scatter_row(&w, y, dy, image, (intptr_t)dx - (intptr_t)image, least);
        dy += w.out_width;
        continue;
      }
      for (int32_t x = 0; x < w.out_width; x++) {
        const struct box b = box_of(&w, y, x);
        if (average) {
          const float share = *dy++ / (float)((b.y1 - b.y0) * (b.x1 - b.x0));
          for (int32_t row = b.y0; row < b.y1; row++) {
            for (int32_t col = b.x0; col < b.x1; col++) {
              dx[row * w.width + col] += share;
            }
          }
          continue;
        }
        int32_t at = b.y0 * w.width + b.x0;
        float most = image[at];
        for (int32_t row = b.y0; row < b.y1; row++) {
          for (int32_t i = row * w.width + b.x0; i < row * w.width + b.x1; i++) {
            if (image[i] > most) {
              most = image[i];
              at = i;
            }
          }
        }
        if (!(most <= least)) {
          dx[at] += *dy;
        }
        dy++;
      }
    }
  }
}

void etude_maxpool_grad(const void* args, uint32_t worker, uint32_t workers) {
  pool_grad(args, 0, worker, workers);
}

void etude_avgpool_grad(const void* args, uint32_t worker, uint32_t workers) {
  pool_grad(args, 1, worker, workers);
}
