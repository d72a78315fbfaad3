/* SPDX-License-Identifier: Apache-2.0
 * Normalisation of rows by the root of their mean square. A row belongs to one worker; its sums are
 * four chains, added pairwise. */
#include "kernels/lib/rows.h"

static inline float inverse_root(const float* x, uint32_t n, float inverse, float epsilon) {
  return 1.0f / etude_sqrt(etude_fma(row_variance(x, n, 0.0f), inverse, epsilon));
}

ETUDE_RARE void etude_rmsnorm(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* gamma = ETUDE_F(a->gamma);
    const float root = inverse_root(x, a->cols, inverse, epsilon);
    for (uint32_t n = a->cols; n; n--) {
      *y++ = *x++ * root * *gamma++;
    }
  }
}

ETUDE_RARE void etude_rmsnorm_stats(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_stats_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    float* stats = ETUDE_F(a->stats) + 2 * row;
    stats[0] = 0.0f;
    stats[1] = inverse_root(ETUDE_F(a->x) + row * a->pitch_x, a->cols, inverse, epsilon);
  }
}

/* Sum of dy gamma x: four chains, as row_sum. */
static inline float gradient_along(const float* x, const float* dy, const float* gamma,
                                   uint32_t n) {
  float s[4] = {0, 0, 0, 0};
  for (; n >= 4; n -= 4, x += 4, dy += 4, gamma += 4) {
    s[0] = etude_fma(dy[0] * gamma[0], x[0], s[0]);
    s[1] = etude_fma(dy[1] * gamma[1], x[1], s[1]);
    s[2] = etude_fma(dy[2] * gamma[2], x[2], s[2]);
    s[3] = etude_fma(dy[3] * gamma[3], x[3], s[3]);
  }
  for (; n; n--) {
    s[0] = etude_fma(*dy++ * *gamma++, *x++, s[0]);
  }
  return row_chains(s);
}

ETUDE_RARE void etude_rmsnorm_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    const float* gamma = ETUDE_F(a->gamma);
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    const float root = inverse_root(x, a->cols, inverse, epsilon);
    const float slope = gradient_along(x, dy, gamma, a->cols) * inverse * root * root;
    for (uint32_t n = a->cols; n; n--) {
      *dx++ = etude_fma(-slope, *x++, *dy++ * *gamma++) * root;
    }
  }
}
