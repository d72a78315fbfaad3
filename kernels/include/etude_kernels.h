/* SPDX-License-Identifier: Apache-2.0
 * Kernels of the runtime and the layout of their arguments (plain C): struct members are args 1..
 * of the ETUDE_OP_KERNEL operation, one word each. Matrices are row-major FP32 in L1; a pitch is in
 * elements. */
#ifndef ETUDE_KERNELS_H
#define ETUDE_KERNELS_H
#include <stdint.h>

enum etude_kernel {
  ETUDE_KERNEL_GEMM = 0,
  ETUDE_KERNEL_RELU_GRAD = 1,
  ETUDE_KERNEL_TRANSPOSE = 2,
  ETUDE_KERNEL_COLUMN_SUM = 3,
  ETUDE_KERNEL_SGD = 4,
  ETUDE_KERNEL_MSE = 5,
  ETUDE_KERNEL_BROADCAST_ROW = 6,
  ETUDE_KERNEL_RELU = 7,
  ETUDE_KERNEL_FP32_TO_FP16 = 8,
  ETUDE_KERNEL_FP16_TO_FP32 = 9,
  ETUDE_KERNEL_FILL = 10,
  ETUDE_KERNEL_ADD = 11,
  ETUDE_KERNELS
};

/* C[rows, cols] = opA(A) opB(B) (+ C) (+ bias of cols), then ReLU; opA(A) is [rows, inner], opB(B)
 * [inner, cols]. Each element is one chain: acc = 0, bias, C or C + bias (rounded); then acc =
 * fma(a, b, acc) in ascending inner index. ReLU keeps NaN and turns -0 into +0. */
#define ETUDE_GEMM_TRANS_A 1u /* A is stored [inner, rows] */
#define ETUDE_GEMM_TRANS_B 2u /* B is stored [cols, inner] */
#define ETUDE_GEMM_ACCUMULATE 4u
#define ETUDE_GEMM_BIAS 8u
#define ETUDE_GEMM_RELU 16u
struct etude_gemm_args {
  uint32_t a, b, c, bias, rows, inner, cols, pitch_a, pitch_b, pitch_c, flags;
};
/* dx[rows, cols] = dy where y > 0, else 0 (dx may be dy). */
struct etude_relu_grad_args {
  uint32_t dy, y, dx, rows, cols, pitch_dy, pitch_y, pitch_dx;
};
/* dst[cols, rows] = src[rows, cols] transposed; with `y` not 0 only where y[rows, cols] > 0 (pitch
 * of src), else 0. */
struct etude_transpose_args {
  uint32_t src, dst, y, rows, cols, pitch_src, pitch_dst, pitch_y;
};
/* dst[cols] (+)= sum over the rows of src[rows, cols]. */
struct etude_column_sum_args {
  uint32_t src, dst, rows, cols, pitch_src, accumulate;
};
/* w = fma(-lr, g, w): product and difference rounded once, so the new weight is within half an ulp
 * of old - lr * g. lr: bits of a float. */
struct etude_sgd_args {
  uint32_t w, g, rows, cols, pitch_w, pitch_g, lr;
};
/* loss = scale_loss * sum (y-t)^2 (added to *loss), dy = scale_grad * (y - t). Scales: bits of a
 * float. */
struct etude_mse_args {
  uint32_t y, t, dy, loss, rows, cols, pitch_y, pitch_t, pitch_dy, scale_loss, scale_grad;
};
/* dst[rows, cols] = row (of cols). */
struct etude_broadcast_row_args {
  uint32_t row, dst, rows, cols, pitch_dst;
};
/* y = max(x, 0) (y may be x). */
struct etude_relu_args {
  uint32_t x, y, rows, cols, pitch_x, pitch_y;
};
/* Conversion of [rows, cols]; pitches in elements of their own side. Round to nearest even. */
struct etude_convert_args {
  uint32_t src, dst, rows, cols, pitch_src, pitch_dst;
};
/* dst[rows, cols] = value (bits). */
struct etude_fill_args {
  uint32_t dst, rows, cols, pitch_dst, value;
};
/* c = a + b (c may be a or b). */
struct etude_add_args {
  uint32_t a, b, c, rows, cols, pitch_a, pitch_b, pitch_c;
};
#endif
