/* SPDX-License-Identifier: Apache-2.0
 * Pooling over windows. Forward: an output row is a unit of work; backward: a channel, because
 * windows may overlap. */
#include "kernels/lib/conv/window.h"

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

static void pool(const struct etude_window_args* a, int average, uint32_t worker,
                 uint32_t workers) {
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels * a->out_height, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / a->out_height;
    const int32_t y = (int32_t)(unit - channel * a->out_height);
    const float* src = ETUDE_F(a->src) + channel * a->channel_pitch;
    float* dst = ETUDE_F(a->dst) + channel * a->pitch + (uint32_t)(y * w.out_width);
    for (int32_t x = 0; x < w.out_width; x++) {
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
