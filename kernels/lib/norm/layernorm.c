/* SPDX-License-Identifier: Apache-2.0
 * Layer normalisation over the rows of a matrix. A row belongs to one worker; its sums are four
 * chains, added pairwise. */
#include "kernels/lib/math.h"

struct statistics {
  float mean, rstd;
};

static float row_sum(const float* x, uint32_t n) {
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (; n >= 4; n -= 4, x += 4) {
    const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
    s0 += x0;
    s1 += x1;
    s2 += x2;
    s3 += x3;
  }
  for (; n; n--) {
    s0 += *x++;
  }
  return (s0 + s1) + (s2 + s3);
}

/* Sum of (x - mean)^2. */
static float row_variance(const float* x, uint32_t n, float mean) {
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (; n >= 4; n -= 4, x += 4) {
    const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
    const float d0 = x0 - mean, d1 = x1 - mean, d2 = x2 - mean, d3 = x3 - mean;
    s0 = etude_fma(d0, d0, s0);
    s1 = etude_fma(d1, d1, s1);
    s2 = etude_fma(d2, d2, s2);
    s3 = etude_fma(d3, d3, s3);
  }
  for (; n; n--) {
    const float d = *x++ - mean;
    s0 = etude_fma(d, d, s0);
  }
  return (s0 + s1) + (s2 + s3);
}

static struct statistics row_statistics(const float* x, uint32_t n, float inverse, float epsilon) {
  struct statistics s;
  s.mean = row_sum(x, n) * inverse;
  s.rstd = 1.0f / etude_sqrt(etude_fma(row_variance(x, n, s.mean), inverse, epsilon));
  return s;
}

void etude_layernorm(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* gamma = ETUDE_F(a->gamma);
    const float* beta = ETUDE_F(a->beta);
    const struct statistics s = row_statistics(x, a->cols, inverse, epsilon);
    if (a->stats) {
      ETUDE_F(a->stats)[2 * row] = s.mean;
      ETUDE_F(a->stats)[2 * row + 1] = s.rstd;
    }
    uint32_t n = a->cols;
    for (; n >= 2; n -= 2) {
      const float x0 = x[0], x1 = x[1], g0 = gamma[0], g1 = gamma[1], b0 = beta[0], b1 = beta[1];
      const float d0 = x0 - s.mean, d1 = x1 - s.mean;
      const float h0 = d0 * s.rstd, h1 = d1 * s.rstd;
      y[0] = etude_fma(h0, g0, b0);
      y[1] = etude_fma(h1, g1, b1);
      x += 2;
      y += 2;
      gamma += 2;
      beta += 2;
    }
    if (n) {
      *y = etude_fma((*x - s.mean) * s.rstd, *gamma, *beta);
    }
  }
}

void etude_layernorm_stats(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_stats_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const struct statistics s =
        row_statistics(ETUDE_F(a->x) + row * a->pitch_x, a->cols, inverse, epsilon);
    ETUDE_F(a->stats)[2 * row] = s.mean;
    ETUDE_F(a->stats)[2 * row + 1] = s.rstd;
  }
}

void etude_layernorm_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols;
  const uint32_t cols = a->cols;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    const float* gamma = ETUDE_F(a->gamma);
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    struct statistics s;
    if (a->stats) {
      s.mean = ETUDE_F(a->stats)[2 * row];
      s.rstd = ETUDE_F(a->stats)[2 * row + 1];
    } else {
      s = row_statistics(x, cols, inverse, etude_from_bits(a->epsilon));
    }
    float g0 = 0, g1 = 0, p0 = 0, p1 = 0;
    uint32_t i = 0;
    for (; i + 2 <= cols; i += 2) {
      const float y0 = dy[i], y1 = dy[i + 1], m0 = gamma[i], m1 = gamma[i + 1];
      const float x0 = x[i], x1 = x[i + 1];
      const float e0 = y0 * m0, e1 = y1 * m1;
      const float d0 = x0 - s.mean, d1 = x1 - s.mean;
      g0 += e0;
      g1 += e1;
      p0 = etude_fma(e0, d0, p0);
      p1 = etude_fma(e1, d1, p1);
    }
    if (i < cols) {
      const float e = dy[i] * gamma[i];
      g0 += e;
      p0 = etude_fma(e, x[i] - s.mean, p0);
    }
    /* dx = rstd (g - mean(g)) - (x - mean) rstd^3 mean(g (x - mean)) */
    const float mean_g = (g0 + g1) * inverse;
    const float slope = (p0 + p1) * inverse * s.rstd * s.rstd;
    for (i = 0; i + 2 <= cols; i += 2) {
      const float y0 = dy[i], y1 = dy[i + 1], m0 = gamma[i], m1 = gamma[i + 1];
      const float x0 = x[i], x1 = x[i + 1];
      const float d0 = x0 - s.mean, d1 = x1 - s.mean;
      const float e0 = etude_fma(y0, m0, -mean_g), e1 = etude_fma(y1, m1, -mean_g);
      const float f0 = etude_fma(-slope, d0, e0), f1 = etude_fma(-slope, d1, e1);
      dx[i] = f0 * s.rstd;
      dx[i + 1] = f1 * s.rstd;
    }
    if (i < cols) {
      const float e = etude_fma(dy[i], gamma[i], -mean_g);
      dx[i] = etude_fma(-slope, x[i] - s.mean, e) * s.rstd;
    }
  }
}

/* A column belongs to one worker and is one chain in ascending rows. */
void etude_layernorm_affine_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_affine_grad_args* a = args;
  const struct etude_range range = etude_split(a->cols, worker, workers);
  for (uint32_t col = range.begin; col < range.begin + range.count; col++) {
    const float* x = ETUDE_F(a->x) + col;
    const float* dy = ETUDE_F(a->dy) + col;
    const float* stats = ETUDE_F(a->stats);
    float gamma = a->accumulate ? ETUDE_F(a->dgamma)[col] : 0.0f;
    float beta = a->accumulate ? ETUDE_F(a->dbeta)[col] : 0.0f;
    for (uint32_t n = a->rows; n; n--) {
      const float value = *x, g = *dy, mean = stats[0], rstd = stats[1];
      const float d = value - mean;
      beta += g;
      gamma = etude_fma(g, d * rstd, gamma);
      x += a->pitch_x;
      dy += a->pitch_dy;
      stats += 2;
    }
    ETUDE_F(a->dgamma)[col] = gamma;
    ETUDE_F(a->dbeta)[col] = beta;
  }
}
