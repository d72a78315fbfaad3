/* SPDX-License-Identifier: Apache-2.0
 * Convolution as a product: an image as a matrix of columns and back. With columns [ckk, pixels],
 * Y = W cols, dW = dY cols^T and dcols = W^T dY are GEMM kernels without any transposition. */
#include "kernels/lib/conv/window.h"

/* A row of the columns and one output row of it is a unit of work. */
void etude_im2col(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const uint32_t taps = (uint32_t)(w.kh * w.kw);
  const struct etude_range range = etude_split(a->channels * taps * a->out_height, worker, workers);
  if (range.count == 0) {
    return;
  }
  uint32_t line = range.begin / a->out_height; /* row of the columns */
  int32_t y = (int32_t)(range.begin - line * a->out_height);
  uint32_t channel = line / taps;
  int32_t ky = (int32_t)(line - channel * taps) / w.kw;
  int32_t kx = (int32_t)(line - channel * taps) - ky * w.kw;
  int32_t first, end;
  window_columns(&w, kx - w.left, &first, &end);
  for (uint32_t left = range.count; left; left--) {
    uint32_t* dst = ETUDE_W(a->dst) + line * a->pitch + (uint32_t)(y * w.out_width);
    const int32_t row = y * w.sy - w.top + ky;
    int32_t x = 0;
    if (row >= 0 && row < w.height) {
      const uint32_t* src =
          ETUDE_W(a->src) + (int32_t)(channel * a->channel_pitch) + row * w.width + kx - w.left;
      for (; x < first; x++) {
        dst[x] = 0;
      }
      src += first * w.sx;
      if (w.sx == 1) {
        etude_copy_words(dst + x, src, (uint32_t)(end - x));
        x = end;
      }
      for (; x < end; x++, src += w.sx) {
        dst[x] = *src;
      }
    }
    for (; x < w.out_width; x++) {
      dst[x] = 0;
    }
    if (++y == w.out_height) {
      y = 0;
      line++;
      if (++kx == w.kw) {
        kx = 0;
        if (++ky == w.kh) {
          ky = 0;
          channel++;
        }
      }
      window_columns(&w, kx - w.left, &first, &end);
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
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / a->height;
    const int32_t row = (int32_t)(unit - channel * a->height);
    float* dst = ETUDE_F(a->dst) + channel * a->channel_pitch + (uint32_t)(row * w.width);
    for (int32_t x = 0; !accumulate && x < w.width; x++) {
      dst[x] = 0;
    }
    for (int32_t ky = 0; ky < w.kh; ky++) {
      const int32_t position = row + w.top - ky;
      const int32_t y = w.sy == 1 ? position : position / w.sy;
      if (position < 0 || y * w.sy != position || y >= w.out_height) {
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
