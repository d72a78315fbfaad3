/* SPDX-License-Identifier: Apache-2.0
 * Convolution as a product: an image as a matrix of columns and back. With columns [ckk, pixels],
 * Y = W cols, dW = dY cols^T and dcols = W^T dY are GEMM kernels without any transposition. */
#include "kernels/lib/conv/window.h"

/* Output rows [y, end) of one line of the columns: a tap of a channel. */
static void fill_line(const struct window* w, const uint32_t* image, uint32_t* dst, int32_t y,
                      int32_t end, int32_t ky, int32_t first, int32_t last) {
  const int32_t width = w->out_width, step = w->sy * w->width;
  int32_t row = y * w->sy - w->top + ky;
  const uint32_t* src = image + row * w->width + first * w->sx;
  for (; y < end; y++, row += w->sy, src += step) {
    if (row < 0 || row >= w->height) {
      etude_zero_words(dst, (uint32_t)width);
      dst += width;
      continue;
    }
    for (int32_t x = first; x > 0; x--) {
      *dst++ = 0;
    }
    if (w->sx == 1) {
      etude_copy_words(dst, src, (uint32_t)(last - first));
      dst += last - first;
    } else {
      const uint32_t* from = src;
      int32_t n = last - first;
      for (; n >= 2; n -= 2, from += 2 * w->sx) {
        const uint32_t v0 = from[0], v1 = from[w->sx];
        *dst++ = v0;
        *dst++ = v1;
      }
      if (n) {
        *dst++ = *from;
      }
    }
    for (int32_t x = width - last; x > 0; x--) {
      *dst++ = 0;
    }
  }
}

/* The same where output rows are image rows, `shift` columns apart: neighbouring rows are one long
 * row, whose ends of rows are put right afterwards. */
static void fill_same(const struct window* w, const uint32_t* image, uint32_t* dst, int32_t y,
                      int32_t end, int32_t ky, int32_t shift) {
  const int32_t width = w->width;
  int32_t row = y - w->top + ky, rows = end - y;
  if (row < 0) {
    const int32_t above = -row < rows ? -row : rows;
    etude_zero_words(dst, (uint32_t)(above * width));
    dst += above * width;
    row += above;
    rows -= above;
  }
  int32_t inside = w->height - row;
  inside = inside < 0 ? 0 : inside < rows ? inside : rows;
  if (inside > 0) {
    const uint32_t* src = image + row * width;
    const uint32_t n = (uint32_t)(inside * width);
    const int32_t left = shift < 0 ? -shift : 0, right = shift > 0 ? shift : 0;
    etude_copy_words(dst + left, src + right, n - (uint32_t)(left + right));
    for (int32_t x = 0; x < left + right; x++) {
      uint32_t* at = dst + (left ? x : width - 1 - x);
      for (int32_t i = 0; i < inside; i++, at += width) {
        *at = 0;
      }
    }
    dst += n;
  }
  etude_zero_words(dst, (uint32_t)((rows - inside) * width));
}

/* A row of the columns and one output row of it is a unit of work. */
void etude_im2col(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const uint32_t taps = (uint32_t)(w.kh * w.kw);
  const struct etude_range range = etude_split(a->channels * taps * a->out_height, worker, workers);
  if (range.count == 0) {
    return;
  }
  const int same = w.sx == 1 && w.sy == 1 && w.out_width == w.width;
  uint32_t line = range.begin / a->out_height; /* row of the columns */
  int32_t y = (int32_t)(range.begin - line * a->out_height);
  const uint32_t channel = line / taps;
  int32_t ky = (int32_t)(line - channel * taps) / w.kw;
  int32_t kx = (int32_t)(line - channel * taps) - ky * w.kw;
  const uint32_t* image = ETUDE_W(a->src) + channel * a->channel_pitch - w.left;
  uint32_t* dst = ETUDE_W(a->dst) + line * a->pitch;
  for (int32_t left = (int32_t)range.count; left > 0;) {
    int32_t end = y + left;
    end = end < w.out_height ? end : w.out_height;
    const int32_t shift = kx - w.left;
    if (same && shift > -w.width && shift < w.width) {
      fill_same(&w, image + w.left, dst + y * w.out_width, y, end, ky, shift);
    } else {
      int32_t first, last;
      window_columns(&w, shift, &first, &last);
      fill_line(&w, image + kx, dst + y * w.out_width, y, end, ky, first, last);
    }
    left -= end - y;
    y = 0;
    dst += a->pitch;
    if (++kx == w.kw) {
      kx = 0;
      if (++ky == w.kh) {
        ky = 0;
        image += a->channel_pitch;
      }
    }
  }
}

/* One row of dst gets what three neighbouring taps of stride 1 have for it: a tap more to the right
 * falls one pixel further on. Columns 1.. of n + 2 get all three. */
static void add_threes(float* dst, const float* c0, const float* c1, const float* c2, uint32_t n) {
#if ETUDE_ASM
  const uint32_t pairs = n >> 1;
  if (pairs) {
    float d0, d1, t0, t1, u0, u1, v0, v1;
    float* to = dst;
    __asm__ volatile(ETUDE_HWLOOP(16)
                     "cv.lw %[d0], (%[dst]), 4\n"
                     "cv.lw %[t0], (%[c0]), 4\n"
                     "cv.lw %[d1], (%[dst]), 4\n"
                     "cv.lw %[t1], (%[c0]), 4\n"
                     "cv.lw %[u0], (%[c1]), 4\n"
                     "fadd.s %[d0], %[d0], %[t0]\n"
                     "cv.lw %[u1], (%[c1]), 4\n"
                     "fadd.s %[d1], %[d1], %[t1]\n"
                     "cv.lw %[v0], (%[c2]), 4\n"
                     "fadd.s %[d0], %[d0], %[u0]\n"
                     "cv.lw %[v1], (%[c2]), 4\n"
                     "fadd.s %[d1], %[d1], %[u1]\n"
                     "fadd.s %[d0], %[d0], %[v0]\n"
                     "fadd.s %[d1], %[d1], %[v1]\n"
                     "cv.sw %[d0], (%[to]), 4\n"
                     "cv.sw %[d1], (%[to]), 4\n" ETUDE_HWLOOP_END
                     : [dst] "+&r"(dst), [to] "+&r"(to), [c0] "+&r"(c0), [c1] "+&r"(c1),
                       [c2] "+&r"(c2), [d0] "=&r"(d0), [d1] "=&r"(d1), [t0] "=&r"(t0),
                       [t1] "=&r"(t1), [u0] "=&r"(u0), [u1] "=&r"(u1), [v0] "=&r"(v0),
                       [v1] "=&r"(v1)
                     : [n] "r"(pairs)
                     : "memory");
    n &= 1;
  }
#endif
  for (; n; n--, dst++) {
    const float once = *dst + *c0++;
    const float twice = once + *c1++;
    *dst = twice + *c2++;
  }
}

/* The part of the columns of one tap row that falls on one image row, three taps of stride 1. */
static void gather_threes(const struct window* w, const float* src, uint32_t pitch, float* dst) {
  int32_t first = 0, end = w->width; /* columns of the image that all taps reach */
  for (int32_t kx = 0; kx < 3; kx++) {
    int32_t from, to;
    window_columns(w, kx - w->left, &from, &to);
    from += kx - w->left;
    to += kx - w->left;
    first = from > first ? from : first;
    end = to < end ? to : end;
  }
  if (first >= end) {
    first = end = 0;
  }
  for (int32_t kx = 0; kx < 3; kx++) { /* edges */
    int32_t from, to;
    const int32_t shift = kx - w->left;
    window_columns(w, shift, &from, &to);
    const float* taps = src + (uint32_t)kx * pitch;
    for (int32_t x = from; x < to; x++) {
      if (x + shift == first && first < end) {
        x = end - shift - 1;
        continue;
      }
      dst[x + shift] += taps[x];
    }
  }
  if (first < end) {
    const float* at = src + first + w->left;
    add_threes(dst + first, at, at + pitch - 1, at + 2 * pitch - 2, (uint32_t)(end - first));
  }
}

/* Rows [row, end) of an image whose output rows are image rows, for 3-wide filters with one column
 * of padding: neighbouring rows are one long row once the entries of the columns that lie outside
 * are made zero. */
static void gather_same(const struct window* w, float* columns, uint32_t pitch, float* image,
                        int32_t row, int32_t end) {
  const int32_t width = w->width;
  for (int32_t ky = 0; ky < w->kh; ky++, columns += 3 * pitch) {
    int32_t y = row + w->top - ky, last = end + w->top - ky; /* output rows */
    y = y < 0 ? 0 : y;
    last = last < w->out_height ? last : w->out_height;
    if (y >= last) {
      continue;
    }
    float* c0 = columns + y * width;
    float* c1 = c0 + pitch;
    float* c2 = c1 + pitch;
    float* dst = image + (y - w->top + ky) * width;
    const int32_t n = (last - y) * width;
    for (int32_t i = 0; i < n; i += width) {
      c0[i] = 0;
      c2[i + width - 1] = 0;
    }
    const float once = dst[0] + c0[n > 1 ? 1 : 0];
    const float end_once = dst[n - 1] + c1[n - 1];
    dst[0] = once + c1[0];
    if (n > 1) {
      add_threes(dst + 1, c0 + 2, c1 + 1, c2, (uint32_t)(n - 2));
      dst[n - 1] = end_once + c2[n - 2];
    }
  }
}

/* Each image row belongs to one worker, which gathers what falls on it. */
void etude_col2im(const void* args, uint32_t worker, uint32_t workers) {
  struct etude_window_args plain = *(const struct etude_window_args*)args;
  const uint32_t accumulate = plain.kernel >> 31;
  plain.kernel &= 0x7FFFFFFFu;
  const struct etude_window_args* a = &plain;
  const struct window w = window_of(a);
  const uint32_t taps = (uint32_t)(w.kh * w.kw);
  const struct etude_range range = etude_split(a->channels * a->height, worker, workers);
  const int same =
      w.sx == 1 && w.sy == 1 && w.kw == 3 && w.left == 1 && w.out_width == w.width && w.width >= 2;
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / a->height;
    const int32_t row = (int32_t)(unit - channel * a->height);
    float* dst = ETUDE_F(a->dst) + channel * a->channel_pitch + (uint32_t)(row * w.width);
    if (same) {
      const uint32_t left = range.begin + range.count - unit;
      const uint32_t rows = etude_min(left, a->height - (uint32_t)row);
      if (!accumulate) {
        etude_zero_words((uint32_t*)dst, rows * a->width);
      }
      gather_same(&w, ETUDE_F(a->src) + channel * taps * a->pitch, a->pitch, dst - row * w.width,
                  row, row + (int32_t)rows);
      unit += rows - 1;
      continue;
    }
    if (!accumulate) {
      etude_zero_words((uint32_t*)dst, (uint32_t)w.width);
    }
    for (int32_t ky = 0; ky < w.kh; ky++) {
      const int32_t position = row + w.top - ky;
      const int32_t y = w.sy == 1 ? position : position / w.sy;
      if (position < 0 || y * w.sy != position || y >= w.out_height) {
        continue;
      }
      if (w.kw == 3 && w.sx == 1) {
        gather_threes(&w,
                      ETUDE_F(a->src) + (channel * taps + (uint32_t)(ky * 3)) * a->pitch +
                          (uint32_t)(y * w.out_width),
                      a->pitch, dst);
        continue;
      }
      for (int32_t kx = 0; kx < w.kw; kx++) {
        int32_t first, end;
        window_columns(&w, kx - w.left, &first, &end);
        const float* src = ETUDE_F(a->src) +
                           (channel * taps + (uint32_t)(ky * w.kw + kx)) * a->pitch +
                           (uint32_t)(y * w.out_width + first);
        float* to = dst + first * w.sx + kx - w.left;
        int32_t x = first;
        if (w.sx == 1) {
          for (; x + 4 <= end; x += 4, to += 4, src += 4) {
            const float s0 = src[0], t0 = to[0], s1 = src[1], t1 = to[1];
            const float s2 = src[2], t2 = to[2], s3 = src[3], t3 = to[3];
            const float u0 = t0 + s0, u1 = t1 + s1, u2 = t2 + s2, u3 = t3 + s3;
            to[0] = u0;
            to[1] = u1;
            to[2] = u2;
            to[3] = u3;
          }
        }
        for (; x < end; x++, to += w.sx) {
          *to += *src++;
        }
      }
    }
  }
}
