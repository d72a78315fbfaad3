/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution: one filter per channel, too few products for a GEMM. An output row
 * (forward), an image row (gradient of the input), a filter (gradient of the weights) is a unit of
 * work. */
#include "kernels/lib/conv/window.h"

void etude_depthwise(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels * a->out_height, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / a->out_height;
    const int32_t y = (int32_t)(unit - channel * a->out_height);
    const float* image = ETUDE_F(a->src) + channel * a->channel_pitch;
    const float* weights = ETUDE_F(a->aux) + channel * (uint32_t)(w.kh * w.kw);
    float* dst = ETUDE_F(a->dst) + channel * a->pitch + (uint32_t)(y * w.out_width);
    for (int32_t x = 0; x < w.out_width; x++) {
      dst[x] = 0;
    }
    for (int32_t ky = 0; ky < w.kh; ky++) {
      const int32_t row = y * w.sy - w.top + ky;
      if (row < 0 || row >= w.height) {
        continue;
      }
      for (int32_t kx = 0; kx < w.kw; kx++) {
        int32_t first, end;
        window_columns(&w, kx - w.left, &first, &end);
        const float weight = weights[ky * w.kw + kx];
        const float* src = image + row * w.width + kx - w.left + first * w.sx;
        for (int32_t x = first; x < end; x++, src += w.sx) {
          dst[x] = __builtin_fmaf(*src, weight, dst[x]);
        }
      }
    }
  }
}

void etude_depthwise_grad_input(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_window_args* a = args;
  const struct window w = window_of(a);
  const struct etude_range range = etude_split(a->channels * a->height, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / a->height;
    const int32_t row = (int32_t)(unit - channel * a->height);
    const float* dy = ETUDE_F(a->src) + channel * a->pitch;
    const float* weights = ETUDE_F(a->aux) + channel * (uint32_t)(w.kh * w.kw);
    float* dst = ETUDE_F(a->dst) + channel * a->channel_pitch + (uint32_t)(row * w.width);
    for (int32_t x = 0; x < w.width; x++) {
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
        const float weight = weights[ky * w.kw + kx];
        const float* src = dy + y * w.out_width + first;
        float* to = dst + first * w.sx + kx - w.left;
        for (int32_t x = first; x < end; x++, to += w.sx) {
          *to = __builtin_fmaf(*src++, weight, *to);
        }
      }
    }
  }
}

void etude_depthwise_grad_weight(const void* args, uint32_t worker, uint32_t workers) {
  struct etude_window_args plain = *(const struct etude_window_args*)args;
  const uint32_t accumulate = plain.kernel >> 31;
  plain.kernel &= 0x7FFFFFFFu;
  const struct etude_window_args* a = &plain;
  const struct window w = window_of(a);
  const uint32_t taps = (uint32_t)(w.kh * w.kw);
  const struct etude_range range = etude_split(a->channels * taps, worker, workers);
  for (uint32_t unit = range.begin; unit < range.begin + range.count; unit++) {
    const uint32_t channel = unit / taps;
    const int32_t tap = (int32_t)(unit - channel * taps), ky = tap / w.kw, kx = tap - ky * w.kw;
    const float* image = ETUDE_F(a->src) + channel * a->channel_pitch;
    const float* dy = ETUDE_F(a->aux) + channel * a->pitch;
    int32_t first, end;
    window_columns(&w, kx - w.left, &first, &end);
    float sum = accumulate ? ETUDE_F(a->dst)[unit] : 0.0f;
    for (int32_t y = 0; y < w.out_height; y++) {
      const int32_t row = y * w.sy - w.top + ky;
      if (row < 0 || row >= w.height) {
        continue;
      }
      const float* src = image + row * w.width + kx - w.left + first * w.sx;
      const float* g = dy + y * w.out_width + first;
      for (int32_t x = first; x < end; x++, src += w.sx) {
        sum = __builtin_fmaf(*src, *g++, sum);
      }
    }
    ETUDE_F(a->dst)[unit] = sum;
  }
}
