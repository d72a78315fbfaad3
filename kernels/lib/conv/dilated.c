/* SPDX-License-Identifier: Apache-2.0
 * Windows whose taps stand apart: what im2col.c, im2row.c, pool.c and depthwise.c do, with the same
 * units of work, for any dilation. Few networks have them: they lie behind the other kernels, have
 * no loops of their own for the usual shapes, and share what they can to be small. */
#include "kernels/lib/conv/window.h"
#include "kernels/lib/math.h"

#define SHARED static ETUDE_RARE __attribute__((noinline))

struct dilated {
  struct window w;
  int32_t dy, dx;
  uint32_t flag; /* bit 31 of `kernel` */
};

SHARED void take_apart(struct dilated* d, const struct etude_window_args* a) {
  d->w = window_of(a);
  d->dy = (int32_t)(a->out_height >> 16);
  d->dx = (int32_t)(a->out_width >> 16);
  d->flag = a->kernel >> 31;
  d->w.kh &= 0x7FFF;
  d->w.out_height &= 0xFFFF;
  d->w.out_width &= 0xFFFF;
}

/* A unit of work as channel and row of it. */
struct place {
  uint32_t channel;
  int32_t row;
};
static inline struct place place_of(uint32_t unit, uint32_t rows) {
  const uint32_t channel = unit / rows;
  const struct place p = {channel, (int32_t)(unit - channel * rows)};
  return p;
}

/* What a column of taps sees: outputs [first, end) of a row, the first one in column `at`. */
struct columns {
  int32_t first, end, at;
};
SHARED void columns_of(const struct dilated* d, int32_t kx, struct columns* c) {
  const int32_t shift = kx * d->dx - d->w.left;
  window_columns(&d->w, shift, &c->first, &c->end);
  c->at = c->first * d->w.sx + shift;
}

SHARED void zeros(void* dst, int32_t n) { etude_zero_words(dst, (uint32_t)n); }

SHARED void spread(uint32_t* dst, uint32_t dst_step, const uint32_t* src, uint32_t src_step,
                   uint32_t n) {
  if (n) {
    strided_copy(dst, dst_step, src, src_step, n);
  }
}

ETUDE_RARE void etude_im2col_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const struct window* w = &d.w;
  const uint32_t taps = (uint32_t)(w->kh * w->kw), rows = (uint32_t)w->out_height;
  const struct etude_range range = etude_split(a->channels * taps * rows, worker, workers);
  struct place at = place_of(range.begin, rows); /* row of the columns, output row */
  for (uint32_t left = range.count; left;) {
    const struct place tap = place_of(at.channel, taps);
    const int32_t ky = tap.row / w->kw;
    struct columns c;
    columns_of(&d, tap.row - ky * w->kw, &c);
    const uint32_t* image = ETUDE_W(a->src) + tap.channel * a->channel_pitch + c.at;
    uint32_t* dst = ETUDE_W(a->dst) + at.channel * a->pitch + (uint32_t)(at.row * w->out_width);
    int32_t row = at.row * w->sy - w->top + ky * d.dy;
    for (; left && at.row < w->out_height; left--, at.row++, row += w->sy, dst += w->out_width) {
      const int inside = row >= 0 && row < w->height;
      zeros(dst, inside ? c.first : w->out_width);
      if (inside) {
        spread(dst + c.first, 4, image + row * w->width, 4 * (uint32_t)w->sx,
               (uint32_t)(c.end - c.first));
        zeros(dst + c.end, w->out_width - c.end);
      }
    }
    at.row = 0;
    at.channel++;
  }
}

ETUDE_RARE void etude_im2row_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const struct window* w = &d.w;
  const uint32_t step = 4 * (uint32_t)(w->kh * w->kw);
  const uint32_t pixels = (uint32_t)(w->out_height * w->out_width);
  const uint32_t zero = 0;
  for (uint32_t pixel = worker; pixel < pixels; pixel += workers) {
    const struct place at = place_of(pixel, (uint32_t)w->out_width);
    uint32_t* dst = ETUDE_W(a->dst) + pixel * a->pitch;
    int32_t row = (int32_t)at.channel * w->sy - w->top;
    for (int32_t ky = 0; ky < w->kh; ky++, row += d.dy) {
      int32_t col = at.row * w->sx - w->left;
      for (int32_t kx = 0; kx < w->kw; kx++, col += d.dx, dst++) {
        const int inside = row >= 0 && row < w->height && col >= 0 && col < w->width;
        spread(dst, step, inside ? ETUDE_W(a->src) + row * w->width + col : &zero,
               inside ? 4 * a->channel_pitch : 0, a->channels);
      }
    }
  }
}

/* What falls on an image row from rows of outputs: those of a tap are tap * pitch elements further
 * on, and count `weights` times (0: once). */
SHARED void gather(const struct dilated* d, float* dst, int32_t row, const float* src,
                   uint32_t pitch, const float* weights) {
  const struct window* w = &d->w;
  int32_t tap = 0;
  for (int32_t ky = 0; ky < w->kh; ky++) {
    const int32_t position = row + w->top - ky * d->dy, y = position / w->sy;
    if (position < 0 || y * w->sy != position || y >= w->out_height) {
      tap += w->kw;
      continue;
    }
    for (int32_t kx = 0; kx < w->kw; kx++, tap++) {
      struct columns c;
      columns_of(d, kx, &c);
      const float weight = weights ? weights[tap] : ETUDE_CONSTANT(0x3F800000u);
      const float* from = src + (uint32_t)tap * pitch + (uint32_t)(y * w->out_width + c.first);
      float* to = dst + c.at;
      for (int32_t n = c.end - c.first; n > 0; n--, to += w->sx) {
        *to = __builtin_fmaf(*from++, weight, *to);
      }
    }
  }
}

ETUDE_RARE void etude_col2im_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const uint32_t taps = (uint32_t)(d.w.kh * d.w.kw);
  const struct etude_range range = etude_split(a->channels * a->height, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const struct place at = place_of(unit, a->height);
    float* dst = ETUDE_F(a->dst) + at.channel * a->channel_pitch + (uint32_t)(at.row * d.w.width);
    zeros(dst, d.flag ? 0 : d.w.width);
    gather(&d, dst, at.row, ETUDE_F(a->src) + at.channel * taps * a->pitch, a->pitch, 0);
  }
}

ETUDE_RARE void etude_depthwise_grad_input_dilated(const void* args, uint32_t worker,
                                                   uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const uint32_t taps = (uint32_t)(d.w.kh * d.w.kw);
  const struct etude_range range = etude_split(a->channels * a->height, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const struct place at = place_of(unit, a->height);
    float* dst = ETUDE_F(a->dst) + at.channel * a->channel_pitch + (uint32_t)(at.row * d.w.width);
    zeros(dst, d.w.width);
    gather(&d, dst, at.row, ETUDE_F(a->src) + at.channel * a->pitch, 0,
           ETUDE_F(a->aux) + at.channel * taps);
  }
}

ETUDE_RARE void etude_depthwise_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const struct window* w = &d.w;
  const uint32_t rows = (uint32_t)w->out_height;
  const struct etude_range range = etude_split(a->channels * rows, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const struct place at = place_of(unit, rows);
    const float* image = ETUDE_F(a->src) + at.channel * a->channel_pitch;
    const float* weights = ETUDE_F(a->aux) + at.channel * (uint32_t)(w->kh * w->kw);
    float* dst = ETUDE_F(a->dst) + at.channel * a->pitch + (uint32_t)(at.row * w->out_width);
    zeros(dst, w->out_width);
    int32_t row = at.row * w->sy - w->top;
    for (int32_t ky = 0; ky < w->kh; ky++, row += d.dy, weights += w->kw) {
      for (int32_t kx = 0; kx < w->kw && row >= 0 && row < w->height; kx++) {
        struct columns c;
        columns_of(&d, kx, &c);
        const float weight = weights[kx];
        const float* src = image + row * w->width + c.at;
        for (int32_t x = c.first; x < c.end; x++, src += w->sx) {
          dst[x] = __builtin_fmaf(*src, weight, dst[x]);
        }
      }
    }
  }
}

ETUDE_RARE void etude_depthwise_grad_weight_dilated(const void* args, uint32_t worker,
                                                    uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const struct window* w = &d.w;
  const struct etude_range range = etude_split(a->channels * (uint32_t)w->kh, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const struct place at = place_of(unit, (uint32_t)w->kh);
    float* sums = ETUDE_F(a->dst) + unit * (uint32_t)w->kw;
    for (int32_t kx = 0; kx < w->kw; kx++) {
      struct columns c;
      columns_of(&d, kx, &c);
      const float* image = ETUDE_F(a->src) + at.channel * a->channel_pitch + c.at;
      const float* dy = ETUDE_F(a->aux) + at.channel * a->pitch;
      float sum = d.flag ? sums[kx] : 0.0f;
      int32_t row = at.row * d.dy - w->top;
      for (int32_t y = w->out_height; y > 0; y--, row += w->sy, dy += w->out_width) {
        const float* src = image + row * w->width;
        for (int32_t x = c.first; x < c.end && row >= 0 && row < w->height; x++, src += w->sx) {
          sum = __builtin_fmaf(*src, dy[x], sum);
        }
      }
      sums[kx] = sum;
    }
  }
}

/* What a window has under it: the first of the largest elements in row order, their sum and number.
 */
struct under {
  float most, sum;
  int32_t at, count;
};
SHARED void look(const struct dilated* d, const float* image, int32_t y, int32_t x,
                 struct under* found) {
  const struct window* w = &d->w;
  found->most = ETUDE_CONSTANT(0xFF800000u);
  found->sum = 0;
  found->at = -1;
  found->count = 0;
  int32_t row = y * w->sy - w->top;
  for (int32_t ky = w->kh; ky > 0; ky--, row += d->dy) {
    int32_t col = x * w->sx - w->left;
    for (int32_t kx = w->kw; kx > 0 && row >= 0 && row < w->height; kx--, col += d->dx) {
      if (col >= 0 && col < w->width) {
        const int32_t i = row * w->width + col;
        const float value = image[i];
        found->sum += value;
        found->count++;
        if (found->at < 0 || value > found->most) {
          found->most = value;
          found->at = i;
        }
      }
    }
  }
}

SHARED void pool_apart(const struct etude_window_args* a, int average, uint32_t worker,
                       uint32_t workers) {
  struct dilated d;
  take_apart(&d, a);
  const float least = etude_from_bits(d.flag ? 0 : 0xFF800000u); /* 0 with a ReLU */
  const uint32_t rows = (uint32_t)d.w.out_height;
  const struct etude_range range = etude_split(a->channels * rows, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const struct place at = place_of(unit, rows);
    float* dst = ETUDE_F(a->dst) + at.channel * a->pitch + (uint32_t)(at.row * d.w.out_width);
    for (int32_t x = 0; x < d.w.out_width; x++) {
      struct under found;
      look(&d, ETUDE_F(a->src) + at.channel * a->channel_pitch, at.row, x, &found);
      dst[x] = average ? found.sum / (float)found.count : __builtin_fmaxf(found.most, least);
    }
  }
}

ETUDE_RARE void etude_maxpool_dilated(const void* args, uint32_t worker, uint32_t workers) {
  pool_apart(args, 0, worker, workers);
}

ETUDE_RARE void etude_avgpool_dilated(const void* args, uint32_t worker, uint32_t workers) {
  pool_apart(args, 1, worker, workers);
}

ETUDE_RARE void etude_maxpool_grad_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  /* Maxima up to here get nothing; nothing is less than or equal to a NaN. */
  const float least = etude_from_bits(d.flag ? 0 : 0x7FC00000u);
  const struct etude_range range = etude_split(a->channels, worker, workers);
  for (uint32_t channel = range.begin; channel < range.begin + range.count; channel++) {
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    float* dx = ETUDE_F(a->dst) + channel * a->channel_pitch;
    zeros(dx, d.w.height * d.w.width);
    for (int32_t y = 0; y < d.w.out_height; y++) {
      for (int32_t x = 0; x < d.w.out_width; x++, dy++) {
        struct under found;
        look(&d, ETUDE_F(a->aux) + channel * a->channel_pitch, y, x, &found);
        if (!(found.most <= least)) {
          dx[found.at] += *dy;
        }
      }
    }
  }
}

/* How many of `taps` places, `step` apart from *first on, lie in [0, extent); *first becomes the
 * first of them. */
SHARED int32_t taps_inside(int32_t* first, int32_t step, int32_t taps, int32_t extent) {
  for (; taps > 0 && *first < 0; taps--) {
    *first += step;
  }
  while (taps > 0 && *first + (taps - 1) * step >= extent) {
    taps--;
  }
  return taps;
}

ETUDE_RARE void etude_avgpool_grad_dilated(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  struct dilated d;
  take_apart(&d, a);
  const struct window* w = &d.w;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  for (uint32_t channel = range.begin; channel < range.begin + range.count; channel++) {
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    float* dx = ETUDE_F(a->dst) + channel * a->channel_pitch;
    zeros(dx, w->height * w->width);
    for (int32_t y = 0; y < w->out_height; y++) {
      int32_t top = y * w->sy - w->top;
      const int32_t rows = taps_inside(&top, d.dy, w->kh, w->height);
      for (int32_t x = 0; x < w->out_width; x++) {
        int32_t left = x * w->sx - w->left;
        const int32_t cols = taps_inside(&left, d.dx, w->kw, w->width);
        const float share = *dy++ / (float)(rows * cols);
        float* dst = dx + top * w->width + left;
        for (int32_t ky = rows; ky > 0; ky--, dst += d.dy * w->width) {
          for (int32_t kx = 0; kx < cols; kx++) {
            dst[kx * d.dx] += share;
          }
        }
      }
    }
  }
}
