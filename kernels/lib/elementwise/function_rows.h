/* SPDX-License-Identifier: Apache-2.0
 * The walk over a matrix, once for all functions of one element: code is what few steps run, and
 * there is little room for it. */
#ifndef ETUDE_LIB_FUNCTION_ROWS_H
#define ETUDE_LIB_FUNCTION_ROWS_H
#include "kernels/lib/math.h"

/* y = f(x) of n neighbours; y may be x. `p`: parameters, bits of floats. */
typedef void (*etude_function_row)(const float* x, float* y, uint32_t n, const uint32_t* p);
/* dx = f(dy, x) of n neighbours; dx may be dy. */
typedef void (*etude_slope_row)(const float* dy, const float* x, float* dx, uint32_t n,
                                const uint32_t* p);

/* struct etude_function_args, or etude_unary_args, whose members are the first of it. */
void etude_for_function_rows(const void* args, uint32_t worker, uint32_t workers,
                             etude_function_row row);
/* struct etude_function_grad_args */
void etude_for_slope_rows(const void* args, uint32_t worker, uint32_t workers, etude_slope_row row);

/* Runs the statement for every two elements, x[0] and x[second]; an odd one at the end is its own
 * neighbour, so that y[second] is to be written before y[0]. */
#define ETUDE_EACH_PAIR(x, y, n) \
  for (uint32_t second; n != 0 && (second = n > 1, 1); n -= 1 + second, x += 2, y += 2)

/* y, or a NaN where x is one: functions of math.h cut their arguments by their bits. */
static inline float etude_nan_of(float x, float y) { return x == x ? y : x; }
#endif
