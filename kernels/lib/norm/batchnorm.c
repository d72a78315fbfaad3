/* SPDX-License-Identifier: Apache-2.0
 * Batch normalisation in training; a channel belongs to one worker. Sums run over samples, then
 * pixels, each sample's pixels first. */
#include "kernels/lib/math.h"

struct sums {
  float first, second;
};

static struct sums sample_variance(const float* x, uint32_t n, float mean) {
  struct sums s = {0, 0};
  for (; n; n--) {
    const float d = *x++ - mean;
    s.first += d;
    s.second = etude_fma(d, d, s.second);
  }
  return s;
}

static void normalise(const struct etude_batchnorm_args* a, int apply, uint32_t worker,
                      uint32_t workers) {
  const struct etude_range range = etude_split(a->channels, worker, workers);
  const uint32_t pixels = a->pixels, step = a->channels * pixels;
  const float inverse = 1.0f / (float)(a->samples * pixels);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    const float* x = ETUDE_F(a->x) + c * pixels;
    float* y = ETUDE_F(a->y) + c * pixels;
    float* stats = ETUDE_F(a->stats) + 2 * c;
    if (!apply) {
      float sum = 0;
      for (uint32_t s = 0; s < a->samples; s++) {
        sum += sample_variance(x + s * step, pixels, 0.0f).first;
      }
      const float mean = sum * inverse;
      float square = 0;
      for (uint32_t s = 0; s < a->samples; s++) {
        square += sample_variance(x + s * step, pixels, mean).second;
      }
      stats[0] = mean;
      stats[1] = 1.0f / etude_sqrt(etude_fma(square, inverse, etude_from_bits(a->epsilon)));
    }
    const float mean = stats[0], rstd = stats[1];
    const float gamma = ETUDE_F(a->gamma)[c], beta = ETUDE_F(a->beta)[c];
    for (uint32_t s = 0; s < a->samples; s++) {
      for (uint32_t i = s * step; i < s * step + pixels; i++) {
        y[i] = etude_fma((x[i] - mean) * rstd, gamma, beta);
      }
    }
  }
}

void etude_batchnorm(const void* args, uint32_t worker, uint32_t workers) {
  normalise(args, 0, worker, workers);
}

void etude_batchnorm_apply(const void* args, uint32_t worker, uint32_t workers) {
  normalise(args, 1, worker, workers);
}

void etude_batchnorm_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_batchnorm_grad_args* a = args;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  const uint32_t pixels = a->pixels, step = a->channels * pixels;
  const float inverse = 1.0f / (float)(a->samples * pixels);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    const float* x = ETUDE_F(a->x) + c * pixels;
    const float* dy = ETUDE_F(a->dy) + c * pixels;
    float* dx = ETUDE_F(a->dx) + c * pixels;
    const float mean = ETUDE_F(a->stats)[2 * c], rstd = ETUDE_F(a->stats)[2 * c + 1];
    float beta = 0, gamma = 0;
    for (uint32_t s = 0; s < a->samples; s++) {
      float sum = 0, product = 0;
      for (uint32_t i = s * step; i < s * step + pixels; i++) {
        const float g = dy[i], d = x[i] - mean;
        sum += g;
        product = etude_fma(g, d, product);
      }
      beta += sum;
      gamma += product;
    }
    gamma *= rstd;
    const float mean_dy = beta * inverse, slope = gamma * inverse * rstd;
    const float scale = ETUDE_F(a->gamma)[c] * rstd;
    for (uint32_t s = 0; s < a->samples; s++) {
      for (uint32_t i = s * step; i < s * step + pixels; i++) {
        const float g = dy[i] - mean_dy, d = x[i] - mean;
        dx[i] = etude_fma(-slope, d, g) * scale;
      }
    }
    ETUDE_F(a->dgamma)[c] = a->accumulate ? ETUDE_F(a->dgamma)[c] + gamma : gamma;
    ETUDE_F(a->dbeta)[c] = a->accumulate ? ETUDE_F(a->dbeta)[c] + beta : beta;
  }
}
