/* SPDX-License-Identifier: Apache-2.0
 * Kernels that do one function for each element, two elements at a time (math.h says why). */
#ifndef ETUDE_LIB_PAIRS_H
#define ETUDE_LIB_PAIRS_H
#include "kernels/lib/math.h"

#define ETUDE_INLINED static inline __attribute__((always_inline))

/* y, or a NaN where x is one: the functions of math.h cut their arguments by their bits. Without a
 * branch, because the two elements would no longer be computed side by side. */
static inline float etude_keep_nan(float x, float y) {
  const int32_t above = 0x7F800000 - (int32_t)(etude_bits(x) & 0x7FFFFFFFu);
  return etude_from_bits(etude_bits(y) | (etude_bits(x) & (uint32_t)(above >> 31)));
}

/* y = f(x), struct etude_unary_args; f replaces both its arguments. An odd element at the end of a
 * piece is its own neighbour. */
ETUDE_INLINED void etude_for_pairs(const void* args, uint32_t worker, uint32_t workers,
                                   void (*f)(float x[2])) {
  const struct etude_unary_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    for (uint32_t pairs = p_.n >> 1; pairs; pairs--, x += 2, y += 2) {
      float pair[2] = {x[0], x[1]};
      f(pair);
      ETUDE_BOTH(y[i] = pair[i])
    }
    if (p_.n & 1) {
      float pair[2] = {x[0], x[0]};
      f(pair);
      y[0] = pair[0];
    }
  }
}

/* dx = f(dy, y), struct etude_result_grad_args; f replaces dy. */
ETUDE_INLINED void etude_for_result_pairs(const void* args, uint32_t worker, uint32_t workers,
                                          void (*f)(float dy[2], const float y[2])) {
  const struct etude_result_grad_args* a = args;
  const int dense = a->pitch_dy == a->cols && a->pitch_y == a->cols && a->pitch_dx == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* dy = ETUDE_F(a->dy) + p_.row * a->pitch_dy + p_.col;
    const float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    float* dx = ETUDE_F(a->dx) + p_.row * a->pitch_dx + p_.col;
    for (uint32_t pairs = p_.n >> 1; pairs; pairs--, dy += 2, y += 2, dx += 2) {
      float pair[2] = {dy[0], dy[1]};
      const float result[2] = {y[0], y[1]};
      f(pair, result);
      ETUDE_BOTH(dx[i] = pair[i])
    }
    if (p_.n & 1) {
      float pair[2] = {dy[0], dy[0]};
      const float result[2] = {y[0], y[0]};
      f(pair, result);
      dx[0] = pair[0];
    }
  }
}
#endif
