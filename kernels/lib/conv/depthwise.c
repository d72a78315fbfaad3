/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution: one filter per channel, too few products for a GEMM. An output row
 * (forward), an image row (gradient of the input), a row of a filter (gradient of the weights) is a
 * unit of work. Filters three columns wide have their own inner loops. */
#include "kernels/lib/conv/window.h"

/* Outputs [first, end) of a row whose windows of three columns lie inside the image. */
static void wide_outputs(const struct window* w, int32_t* first, int32_t* end) {
  const int32_t from = w->left > 0 ? (w->left + w->sx - 1) / w->sx : 0;
  const int32_t room = w->width - 3 + w->left;
  int32_t to = room < 0 ? 0 : (w->sx == 1 ? room : room / w->sx) + 1;
  to = to < w->out_width ? to : w->out_width;
  *first = from < to ? from : to;
  *end = to;
}

/* dst[x] = fma chain over w0, w1, w2 with src[x * sx + 0 .. 2], from dst[x]; sx is 1 or 2. */
static void row_of_threes(float* dst, const float* src, const float* weights, int32_t sx,
                          uint32_t n) {
  const float w0 = weights[0], w1 = weights[1], w2 = weights[2];
#if ETUDE_ASM
  const uint32_t pairs = n >> 1;
  if (pairs) {
    float a = *src++, b, c, d, e, d0, d1;
    float* to = dst;
    if (sx == 1) {
      b = *src++;
      __asm__ volatile(ETUDE_HWLOOP(14)
                       "cv.lw %[d0], (%[dst]), 4\n"
                       "cv.lw %[d1], (%[dst]), 4\n"
                       "cv.lw %[c], (%[src]), 4\n"
                       "cv.lw %[d], (%[src]), 4\n"
                       "fmadd.s %[d0], %[a], %[w0], %[d0]\n"
                       "fmadd.s %[d1], %[b], %[w0], %[d1]\n"
                       "fmadd.s %[d0], %[b], %[w1], %[d0]\n"
                       "fmadd.s %[d1], %[c], %[w1], %[d1]\n"
                       "fmadd.s %[d0], %[c], %[w2], %[d0]\n"
                       "fmadd.s %[d1], %[d], %[w2], %[d1]\n"
                       "addi %[a], %[c], 0\n"
                       "cv.sw %[d0], (%[to]), 4\n"
                       "addi %[b], %[d], 0\n"
                       "cv.sw %[d1], (%[to]), 4\n" ETUDE_HWLOOP_END
                       : [dst] "+&r"(dst), [to] "+&r"(to), [src] "+&r"(src), [a] "+&r"(a),
                         [b] "+&r"(b), [c] "=&r"(c), [d] "=&r"(d), [d0] "=&r"(d0), [d1] "=&r"(d1)
                       : [n] "r"(pairs), [w0] "r"(w0), [w1] "r"(w1), [w2] "r"(w2)
                       : "memory");
      src -= 2;
    } else {
      __asm__ volatile(ETUDE_HWLOOP(15)
                       "cv.lw %[d0], (%[dst]), 4\n"
                       "cv.lw %[b], (%[src]), 4\n"
                       "cv.lw %[d1], (%[dst]), 4\n"
                       "cv.lw %[c], (%[src]), 4\n"
                       "fmadd.s %[d0], %[a], %[w0], %[d0]\n"
                       "cv.lw %[d], (%[src]), 4\n"
                       "fmadd.s %[d1], %[c], %[w0], %[d1]\n"
                       "fmadd.s %[d0], %[b], %[w1], %[d0]\n"
                       "cv.lw %[e], (%[src]), 4\n"
                       "fmadd.s %[d1], %[d], %[w1], %[d1]\n"
                       "fmadd.s %[d0], %[c], %[w2], %[d0]\n"
                       "fmadd.s %[d1], %[e], %[w2], %[d1]\n"
                       "addi %[a], %[e], 0\n"
                       "cv.sw %[d0], (%[to]), 4\n"
                       "cv.sw %[d1], (%[to]), 4\n" ETUDE_HWLOOP_END
                       : [dst] "+&r"(dst), [to] "+&r"(to), [src] "+&r"(src), [a] "+&r"(a),
                         [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [d0] "=&r"(d0),
                         [d1] "=&r"(d1)
                       : [n] "r"(pairs), [w0] "r"(w0), [w1] "r"(w1), [w2] "r"(w2)
                       : "memory");
      src -= 1;
    }
    n &= 1;
  }
#endif
  for (; n; n--, src += sx, dst++) {
    const float once = __builtin_fmaf(src[0], w0, *dst);
    *dst = __builtin_fmaf(src[2], w2, __builtin_fmaf(src[1], w1, once));
  }
}

/* The same for outputs [x, end) that see a part of the window only. */
static void row_of_edges(const struct window* w, float* dst, const float* line,
                         const float* weights, int32_t x, int32_t end) {
  for (; x < end; x++) {
    const int32_t at = x * w->sx - w->left;
    float sum = dst[x];
    for (int32_t kx = 0; kx < w->kw; kx++) {
      if (at + kx >= 0 && at + kx < w->width) {
        sum = __builtin_fmaf(line[at + kx], weights[kx], sum);
      }
    }
    dst[x] = sum;
  }
}

/* Whether output rows are image rows and filters three wide: neighbouring rows are one long row. */
static int same_rows(const struct window* w) {
  return w->kw == 3 && w->sx == 1 && w->sy == 1 && w->left == 1 && w->out_width == w->width &&
         w->width >= 2;
}

/* Rows [y, end) of dst, which begins with row y, for such images: row y sees rows y - top + ky of
 * `height`. The ends of the rows are computed again by themselves. */
static void rows_as_one(float* dst, const float* image, const float* weights, int32_t kh,
                        int32_t top, int32_t height, int32_t width, int32_t y, int32_t end) {
  etude_zero_words((uint32_t*)dst, (uint32_t)((end - y) * width));
  for (int32_t ky = 0; ky < kh; ky++) {
    int32_t from = top - ky, to = height + top - ky;
    from = from < y ? y : from;
    to = to < end ? to : end;
    const int32_t n = (to - from) * width;
    if (n > 2) {
      row_of_threes(dst + (from - y) * width + 1, image + (from - top + ky) * width,
                    weights + 3 * ky, 1, (uint32_t)(n - 2));
    }
  }
  for (; y < end; y++, dst += width) {
    float first = 0, last = 0;
    const float* taps = weights;
    const float* line = image + (y - top) * width;
    for (int32_t row = y - top; row < y - top + kh; row++, taps += 3, line += width) {
      if (row >= 0 && row < height) {
        first = __builtin_fmaf(line[0], taps[1], first);
        last = __builtin_fmaf(line[width - 2], taps[0], last);
        first = __builtin_fmaf(line[1], taps[2], first);
        last = __builtin_fmaf(line[width - 1], taps[1], last);
      }
    }
    dst[0] = first;
    dst[width - 1] = last;
  }
}

void etude_depthwise(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels * a->out_height, worker, workers);
  int32_t first = w.out_width, end = w.out_width;
  if (w.kw == 3 && w.sx <= 2) {
    wide_outputs(&w, &first, &end);
  }
  const int same = same_rows(&w);
  uint32_t channel = range.begin / a->out_height;
  int32_t y = (int32_t)(range.begin - channel * a->out_height);
  for (uint32_t left = range.count; left; left--) {
    const float* image = ETUDE_F(a->src) + channel * a->channel_pitch;
    const float* weights = ETUDE_F(a->aux) + channel * (uint32_t)(w.kh * w.kw);
    float* dst = ETUDE_F(a->dst) + channel * a->pitch + (uint32_t)(y * w.out_width);
    if (same) {
      const uint32_t rows = etude_min(left, a->out_height - (uint32_t)y);
      rows_as_one(dst, image, weights, w.kh, w.top, w.height, w.width, y, y + (int32_t)rows);
      left -= rows - 1;
      y = 0;
      channel++;
      continue;
    }
    etude_zero_words((uint32_t*)dst, (uint32_t)w.out_width);
    for (int32_t ky = 0; ky < w.kh; ky++, weights += w.kw) {
      const int32_t row = y * w.sy - w.top + ky;
      if (row < 0 || row >= w.height) {
        continue;
      }
      const float* line = image + row * w.width;
      row_of_edges(&w, dst, line, weights, 0, first);
      if (first < end) {
        row_of_threes(dst + first, line + first * w.sx - w.left, weights, w.sx,
                      (uint32_t)(end - first));
      }
      row_of_edges(&w, dst, line, weights, end, w.out_width);
    }
    if (++y == w.out_height) {
      y = 0;
      channel++;
    }
  }
}

/* Filters of more rows than this are not mirrored into the stack. */
#define MIRRORED 8

void etude_depthwise_grad_input(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  /* With stride 1 the gradient is a convolution of dy, seen as an image, with the mirrored filter.
   */
  struct window back = w;
  back.width = w.out_width;
  back.out_width = w.width;
  back.left = w.kw - 1 - w.left;
  int32_t first = back.out_width, end = back.out_width;
  const int mirrored = w.kw == 3 && w.sx == 1;
  if (mirrored) {
    wide_outputs(&back, &first, &end);
  }
  const int same = same_rows(&w) && w.kh <= MIRRORED;
  const struct etude_range range = etude_split(a->channels * a->height, worker, workers);
  uint32_t channel = range.begin / a->height;
  int32_t row = (int32_t)(range.begin - channel * a->height);
  for (uint32_t left = range.count; left; left--) {
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    const float* weights = ETUDE_F(a->aux) + channel * (uint32_t)(w.kh * w.kw);
    float* dst = ETUDE_F(a->dst) + channel * a->channel_pitch + (uint32_t)(row * w.width);
    if (same) {
      float mirror[3 * MIRRORED];
      const int32_t taps = 3 * w.kh;
      for (int32_t i = 0; i < taps; i++) {
        mirror[i] = weights[taps - 1 - i];
      }
      const uint32_t rows = etude_min(left, a->height - (uint32_t)row);
      rows_as_one(dst, dy, mirror, w.kh, w.kh - 1 - w.top, w.out_height, w.width, row,
                  row + (int32_t)rows);
      left -= rows - 1;
      row = 0;
      channel++;
      continue;
    }
    etude_zero_words((uint32_t*)dst, (uint32_t)w.width);
    for (int32_t ky = 0; ky < w.kh; ky++) {
      const int32_t position = row + w.top - ky;
      const int32_t y = w.sy == 1 ? position : position / w.sy;
      if (position < 0 || y * w.sy != position || y >= w.out_height) {
        continue;
      }
      const float* line = dy + y * w.out_width;
      const float* taps = weights + ky * w.kw;
      if (mirrored) {
        const float mirror[3] = {taps[2], taps[1], taps[0]};
        row_of_edges(&back, dst, line, mirror, 0, first);
        if (first < end) {
          row_of_threes(dst + first, line + first - back.left, mirror, 1, (uint32_t)(end - first));
        }
        row_of_edges(&back, dst, line, mirror, end, back.out_width);
        continue;
      }
      for (int32_t kx = 0; kx < w.kw; kx++) {
        int32_t from, to;
        window_columns(&w, kx - w.left, &from, &to);
        const float weight = taps[kx];
        const float* src = line + from;
        float* at = dst + from * w.sx + kx - w.left;
        for (int32_t x = from; x < to; x++, at += w.sx) {
          *at = __builtin_fmaf(*src++, weight, *at);
        }
      }
    }
    if (++row == w.height) {
      row = 0;
      channel++;
    }
  }
}

/* Three sums of products of dy with neighbouring columns; src begins at the first one's. */
static void products_of_threes(float* sums, const float* src, const float* dy, int32_t sx,
                               uint32_t n) {
  float s0 = sums[0], s1 = sums[1], s2 = sums[2];
  float a = *src++;
#if ETUDE_ASM
  float b, c, g;
  if (sx == 1) {
    b = *src++;
    __asm__ volatile(ETUDE_HWLOOP(7)
                     "cv.lw %[g], (%[dy]), 4\n"
                     "cv.lw %[c], (%[src]), 4\n"
                     "fmadd.s %[s0], %[a], %[g], %[s0]\n"
                     "addi %[a], %[b], 0\n"
                     "fmadd.s %[s1], %[b], %[g], %[s1]\n"
                     "addi %[b], %[c], 0\n"
                     "fmadd.s %[s2], %[c], %[g], %[s2]\n" ETUDE_HWLOOP_END
                     : [dy] "+&r"(dy), [src] "+&r"(src), [a] "+&r"(a), [b] "+&r"(b), [c] "=&r"(c),
                       [g] "=&r"(g), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2)
                     : [n] "r"(n)
                     : "memory");
  } else {
    __asm__ volatile(ETUDE_HWLOOP(7)
                     "cv.lw %[g], (%[dy]), 4\n"
                     "cv.lw %[b], (%[src]), 4\n"
                     "cv.lw %[c], (%[src]), 4\n"
                     "fmadd.s %[s0], %[a], %[g], %[s0]\n"
                     "fmadd.s %[s1], %[b], %[g], %[s1]\n"
                     "addi %[a], %[c], 0\n"
                     "fmadd.s %[s2], %[c], %[g], %[s2]\n" ETUDE_HWLOOP_END
                     : [dy] "+&r"(dy), [src] "+&r"(src), [a] "+&r"(a), [b] "=&r"(b), [c] "=&r"(c),
                       [g] "=&r"(g), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2)
                     : [n] "r"(n)
                     : "memory");
  }
#else
  src--;
  (void)a;
  for (; n; n--, src += sx) {
    const float g = *dy++;
    s0 = __builtin_fmaf(src[0], g, s0);
    s1 = __builtin_fmaf(src[1], g, s1);
    s2 = __builtin_fmaf(src[2], g, s2);
  }
#endif
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
}

/* The part of outputs [x, end) in the sums of one row of a filter. */
static void products_of_edges(const struct window* w, float* sums, const float* line,
                              const float* dy, int32_t x, int32_t end) {
  for (; x < end; x++) {
    const int32_t at = x * w->sx - w->left;
    for (int32_t kx = 0; kx < w->kw; kx++) {
      if (at + kx >= 0 && at + kx < w->width) {
        sums[kx] = __builtin_fmaf(line[at + kx], dy[x], sums[kx]);
      }
    }
  }
}

/* Sums of one row of a filter over output rows [y, end) of images whose output rows are image
 * rows. */
static void products_of_rows(float* sums, const float* line, const float* dy, int32_t width,
                             int32_t rows) {
  float s0 = sums[0], s1 = sums[1], s2 = sums[2];
  for (; rows > 0; rows--) {
    float a = line[0], b = line[1], g = dy[0];
    s1 = __builtin_fmaf(a, g, s1);
    s2 = __builtin_fmaf(b, g, s2);
    const float* src = line + 2;
    const float* from = dy + 1;
    uint32_t n = (uint32_t)(width - 2);
    if (n) {
#if ETUDE_ASM
      float c;
      __asm__ volatile(ETUDE_HWLOOP(7)
                       "cv.lw %[g], (%[dy]), 4\n"
                       "cv.lw %[c], (%[src]), 4\n"
                       "fmadd.s %[s0], %[a], %[g], %[s0]\n"
                       "addi %[a], %[b], 0\n"
                       "fmadd.s %[s1], %[b], %[g], %[s1]\n"
                       "addi %[b], %[c], 0\n"
                       "fmadd.s %[s2], %[c], %[g], %[s2]\n" ETUDE_HWLOOP_END
                       : [dy] "+&r"(from), [src] "+&r"(src), [a] "+&r"(a), [b] "+&r"(b),
                         [c] "=&r"(c), [g] "=&r"(g), [s0] "+&r"(s0), [s1] "+&r"(s1),
                         [s2] "+&r"(s2)
                       : [n] "r"(n)
                       : "memory");
#else
      for (; n; n--, a = b, b = src[-1]) {
        const float c = *src++;
        g = *from++;
        s0 = __builtin_fmaf(a, g, s0);
        s1 = __builtin_fmaf(b, g, s1);
        s2 = __builtin_fmaf(c, g, s2);
      }
#endif
    }
    g = dy[width - 1];
    s0 = __builtin_fmaf(a, g, s0);
    s1 = __builtin_fmaf(b, g, s1);
    line += width;
    dy += width;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
}

void etude_depthwise_grad_weight(const void* args, uint32_t worker, uint32_t workers) {
  struct etude_window_args plain = *(const struct etude_window_args*)args;
  const uint32_t accumulate = plain.kernel >> 31;
  plain.kernel &= 0x7FFFFFFFu;
  const struct etude_window_args* a = &plain;
  const struct window w = window_of(a);
  int32_t first = w.out_width, end = w.out_width;
  if (w.kw == 3 && w.sx <= 2) {
    wide_outputs(&w, &first, &end);
  }
  const int same = same_rows(&w);
  const uint32_t kh = (uint32_t)w.kh, kw = (uint32_t)w.kw;
  const struct etude_range range = etude_split(a->channels * kh, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / kh;
    const int32_t ky = (int32_t)(unit - channel * kh);
    const float* image = ETUDE_F(a->src) + channel * a->channel_pitch;
    const float* dy = ETUDE_F(a->aux) + channel * a->pitch;
    float* sums = ETUDE_F(a->dst) + unit * kw;
    if (!accumulate) {
      etude_zero_words((uint32_t*)sums, kw);
    }
    if (same) {
      int32_t y = w.top - ky, last = w.height + w.top - ky;
      y = y < 0 ? 0 : y;
      last = last < w.out_height ? last : w.out_height;
      products_of_rows(sums, image + (y - w.top + ky) * w.width, dy + y * w.width, w.width,
                       last - y);
      continue;
    }
    for (int32_t y = 0; y < w.out_height; y++, dy += w.out_width) {
      const int32_t row = y * w.sy - w.top + ky;
      if (row < 0 || row >= w.height) {
        continue;
      }
      const float* line = image + row * w.width;
      products_of_edges(&w, sums, line, dy, 0, first);
      if (first < end) {
        products_of_threes(sums, line + first * w.sx - w.left, dy + first, w.sx,
                           (uint32_t)(end - first));
      }
      products_of_edges(&w, sums, line, dy, end, w.out_width);
    }
  }
}
