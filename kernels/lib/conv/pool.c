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
 * the first of the next one. Windows of less than three rows have a row twice. */
static void maxima_3_2(float* dst, const float* r0, const float* r1, const float* r2, int outside,
                       uint32_t n) {
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
                   "addi x0, x0, 0\n"
                   "fmax.s %[a0], %[a0], %[m]\n"
                   "cv.sw %[a0], (%[dst]), 4\n" ETUDE_HWLOOP_END
                   : [dst] "+&r"(dst), [r0] "+&r"(r0), [r1] "+&r"(r1), [r2] "+&r"(r2),
                     [m] "+&r"(m), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [b0] "=&r"(b0),
                     [b1] "=&r"(b1), [b2] "=&r"(b2)
                   : [n] "r"(n)
                   : "memory");
#else
  for (; n; n--, r0 += 2, r1 += 2, r2 += 2) {
    const float a = __builtin_fmaxf(__builtin_fmaxf(r0[0], r1[0]), __builtin_fmaxf(r2[0], m));
    m = __builtin_fmaxf(__builtin_fmaxf(r0[1], r1[1]), r2[1]);
    *dst++ = __builtin_fmaxf(a, m);
  }
#endif
}

static void pool(const struct etude_window_args* a, int average, uint32_t worker,
                 uint32_t workers) {
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
      maxima_3_2(dst, line, b.y1 - b.y0 == 3 ? line + w.width : line, last, w.left, (uint32_t)end);
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
      dst[x] = average ? value / (float)((b.y1 - b.y0) * (b.x1 - b.x0)) : value;
    }
  }
}

void etude_maxpool(const void* args, uint32_t worker, uint32_t workers) {
  pool(args, 0, worker, workers);
}

void etude_avgpool(const void* args, uint32_t worker, uint32_t workers) {
  pool(args, 1, worker, workers);
}

static void pool_grad(const struct etude_window_args* a, int average, uint32_t worker,
                      uint32_t workers) {
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels, worker, workers);
  for (uint32_t channel = range.begin; channel < range.begin + range.count; channel++) {
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    const float* image = ETUDE_F(a->aux) + channel * a->channel_pitch;
    float* dx = ETUDE_F(a->dst) + channel * a->channel_pitch;
    for (int32_t i = 0; i < w.height * w.width; i++) {
      dx[i] = 0;
    }
    for (int32_t y = 0; y < w.out_height; y++) {
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
        dx[at] += *dy++;
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
