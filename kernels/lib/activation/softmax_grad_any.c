/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a softmax by its definition, for y that need not be a softmax's result: its rows
 * may add up to anything. A row belongs to one worker. */
#include "kernels/lib/math.h"

struct exact_product {
  float high, low;
};

/* Sum of y dy as if in twice the precision (Ogita, Rump, Oishi 2005, algorithm 5.3): dx would
 * else have an error of the size of the sum's rounding in every element. */
static inline struct exact_product exact_product(const float* y, const float* dy, uint32_t n) {
  struct exact_product sum = {0, 0};
  for (; n; n--) {
    const float a = *y++, b = *dy++;
    const float product = a * b, rounded = etude_fma(a, b, -product);
    const float total = sum.high + product, part = total - sum.high;
    const float lost = (sum.high - (total - part)) + (product - part);
    sum.high = total;
    sum.low += rounded + lost;
  }
  return sum;
}

ETUDE_RARE void etude_softmax_grad_any(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    const struct exact_product sum = exact_product(y, dy, a->cols);
    for (uint32_t i = 0; i < a->cols; i++) {
      dx[i] = ((dy[i] - sum.high) - sum.low) * (y[i] * scale);
    }
  }
}
