/* SPDX-License-Identifier: Apache-2.0
 * Softmax over rows and what is trained through it. A row belongs to one worker. */
#include "kernels/lib/math.h"

static float row_max(const float* x, uint32_t n) {
  float most = x[0];
  for (uint32_t i = 1; i < n; i++) {
    most = __builtin_fmaxf(most, x[i]);
  }
  return most;
}

void etude_softmax(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float most = row_max(x, a->cols);
    float sums[2] = {0, 0};
    uint32_t n = 0;
    for (; n + 2 <= a->cols; n += 2) {
      float e[2] = {x[n], x[n + 1]};
      ETUDE_BOTH(e[i] = e[i] - most)
      ETUDE_BOTH(e[i] = e[i] * scale)
      etude_exp_both(e);
      ETUDE_BOTH(y[n + i] = e[i])
      ETUDE_BOTH(sums[i] += e[i])
    }
    if (n < a->cols) {
      const float e = etude_exp((x[n] - most) * scale);
      y[n] = e;
      sums[0] += e;
    }
    const float inverse = 1.0f / (sums[0] + sums[1]);
    n = a->cols;
    for (; n >= 4; n -= 4, y += 4) {
      const float y0 = y[0], y1 = y[1], y2 = y[2], y3 = y[3];
      y[0] = y0 * inverse;
      y[1] = y1 * inverse;
      y[2] = y2 * inverse;
      y[3] = y3 * inverse;
    }
    for (; n; n--) {
      *y++ *= inverse;
    }
  }
}

void etude_softmax_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  const uint32_t cols = a->cols;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    float s0 = 0, s1 = 0;
    uint32_t i = 0;
    for (; i + 2 <= cols; i += 2) {
      const float y0 = y[i], g0 = dy[i], y1 = y[i + 1], g1 = dy[i + 1];
      s0 = etude_fma(y0, g0, s0);
      s1 = etude_fma(y1, g1, s1);
    }
    if (i < cols) {
      s0 = etude_fma(y[i], dy[i], s0);
    }
    float dot = s0 + s1;
    /* The weighted mean again, of what is left: rounding of the first sum, and of the y whose sum
     * is not quite 1, would else give the row a sum that all rows' gradients lack. */
    s0 = s1 = 0;
    for (i = 0; i + 2 <= cols; i += 2) {
      const float y0 = y[i], d0 = dy[i] - dot, y1 = y[i + 1], d1 = dy[i + 1] - dot;
      s0 = etude_fma(y0, d0, s0);
      s1 = etude_fma(y1, d1, s1);
    }
    if (i < cols) {
      s0 = etude_fma(y[i], dy[i] - dot, s0);
    }
    dot += s0 + s1;
    for (i = 0; i + 2 <= cols; i += 2) {
      const float y0 = y[i], g0 = dy[i], y1 = y[i + 1], g1 = dy[i + 1];
      const float d0 = g0 - dot, d1 = g1 - dot, k0 = y0 * scale, k1 = y1 * scale;
      dx[i] = d0 * k0;
      dx[i + 1] = d1 * k1;
    }
    if (i < cols) {
      dx[i] = (dy[i] - dot) * (y[i] * scale);
    }
  }
}

void etude_cross_entropy(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_cross_entropy_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale_grad);
  const uint32_t* labels = ETUDE_W(a->labels);
  float loss = 0;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    const uint32_t label = labels[row];
    const float most = row_max(x, a->cols);
    float sum = 0;
    for (uint32_t i = 0; i < a->cols; i++) {
      sum += etude_exp(x[i] - most);
    }
    const float log_sum = etude_log(sum);
    loss += log_sum - (x[label] - most);
    if (a->dx) {
      float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
      for (uint32_t i = 0; i < a->cols; i++) {
        const float p = etude_exp(x[i] - most - log_sum);
        dx[i] = (i == label ? p - 1.0f : p) * scale;
      }
    }
    if (a->log_p) {
      float* log_p = ETUDE_F(a->log_p) + row * a->pitch_log_p;
      for (uint32_t i = 0; i < a->cols; i++) {
        log_p[i] = x[i] - most - log_sum;
      }
    }
  }
  if (a->loss == 0) {
    return;
  }
  float* scratch = etude_scratch();
  scratch[4 * worker] = loss;
  etude_barrier();
  if (worker == 0) {
    float total = scratch[0];
    for (uint32_t i = 1; i < workers; i++) {
      total += scratch[4 * i];
    }
    *ETUDE_F(a->loss) = etude_fma(etude_from_bits(a->scale_loss), total, *ETUDE_F(a->loss));
  }
}

void etude_cross_entropy_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_cross_entropy_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* log_p = ETUDE_F(a->log_p) + row * a->pitch_log_p;
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    const uint32_t label = ETUDE_W(a->labels)[row];
    for (uint32_t i = 0; i < a->cols; i++) {
      const float p = etude_exp(log_p[i]);
      dx[i] = (i == label ? p - 1.0f : p) * scale;
    }
  }
}
