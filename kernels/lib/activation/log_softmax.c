/* SPDX-License-Identifier: Apache-2.0
 * The logarithm of a softmax over rows, and its gradient. A row belongs to one worker. */
#include "kernels/lib/rows.h"

ETUDE_RARE void etude_log_softmax(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float most = row_max(x, a->cols);
    /* The first largest one counts 1; the sum of the others may be small. */
    float others = 0;
    uint32_t largest = 1;
    for (uint32_t i = 0; i < a->cols; i++) {
      const float below = x[i] - most;
      if (below == 0.0f && largest) {
        largest = 0;
      } else {
        others += etude_exp(below);
      }
    }
    const float log_sum = etude_log_of_one_and(others);
    for (uint32_t i = 0; i < a->cols; i++) {
      y[i] = x[i] - most - log_sum;
    }
  }
}

ETUDE_RARE void etude_log_softmax_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    const float sum = row_sum(dy, a->cols);
    for (uint32_t i = 0; i < a->cols; i++) {
      dx[i] = etude_fma(-sum, etude_exp(y[i]), dy[i]);
    }
  }
}
