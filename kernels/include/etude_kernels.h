/* SPDX-License-Identifier: Apache-2.0
 * Kernels of the runtime and the layout of their arguments (plain C): struct members are args 1..
 * of the ETUDE_OP_KERNEL operation, one word each. Matrices are row-major FP32 in L1; a pitch is in
 * elements. */
#ifndef ETUDE_KERNELS_H
#define ETUDE_KERNELS_H
#include <stdint.h>

#include "kernels/include/etude_kernel_list.h"

#define ETUDE_KERNEL_ENUMERATOR(e, number, name, args) ETUDE_KERNEL_##e = number,
enum etude_kernel { ETUDE_KERNEL_LIST(ETUDE_KERNEL_ENUMERATOR) ETUDE_KERNELS };
#undef ETUDE_KERNEL_ENUMERATOR

/* The name of a kernel by its number. */
static inline const char* etude_kernel_name(uint32_t kernel) {
#define ETUDE_KERNEL_NAME(e, number, name, args) \
  case number:                                   \
    return #name;
  switch (kernel) { ETUDE_KERNEL_LIST(ETUDE_KERNEL_NAME) }
#undef ETUDE_KERNEL_NAME
  return "unknown kernel";
}

/* C[rows, cols] = opA(A) opB(B) (+ C) (+ bias of cols), then ReLU; opA(A) is [rows, inner], opB(B)
 * [inner, cols]. Each element is one chain: acc = 0, bias, C or C + bias (rounded); then acc =
 * fma(a, b, acc) in ascending inner index. ReLU keeps NaN and turns -0 into +0.
 * ETUDE_KERNEL_GEMM_FP16: all matrices in binary16, rounded to it at each step; needs cores with
 * Xfvec. Fast where B is not transposed and cols is even. */
#define ETUDE_GEMM_TRANS_A 1u /* A is stored [inner, rows] */
#define ETUDE_GEMM_TRANS_B 2u /* B is stored [cols, inner] */
#define ETUDE_GEMM_ACCUMULATE 4u
#define ETUDE_GEMM_BIAS 8u
#define ETUDE_GEMM_RELU 16u
struct etude_gemm_args {
  uint32_t a, b, c, bias, rows, inner, cols, pitch_a, pitch_b, pitch_c, flags;
};
/* dx[rows, cols] = f(dy, y), y being the result of the forward pass (dx may be dy); f is the
 * kernel's (docs/kernels.md). */
struct etude_result_grad_args {
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
 * float; dy may be y or t. ETUDE_KERNEL_BCE: of logits y and targets t from 0 to 1, loss =
 * scale_loss * sum (max(y, 0) - y t + log(1 + e^-|y|)), dy = scale_grad * (sigmoid(y) - t). */
struct etude_mse_args {
  uint32_t y, t, dy, loss, rows, cols, pitch_y, pitch_t, pitch_dy, scale_loss, scale_grad;
};
/* dst[rows, cols] = row (of cols). */
struct etude_broadcast_row_args {
  uint32_t row, dst, rows, cols, pitch_dst;
};
/* y = f(x) (y may be x); f is the kernel's (docs/kernels.md). scale: bits of a float, for
 * ETUDE_KERNEL_SCALE alone. */
struct etude_unary_args {
  uint32_t x, y, rows, cols, pitch_x, pitch_y, scale;
};
/* Conversion of [rows, cols]; pitches in elements of their own side. Round to nearest even. */
struct etude_convert_args {
  uint32_t src, dst, rows, cols, pitch_src, pitch_dst;
};
/* dst[rows, cols] = value (bits). */
struct etude_fill_args {
  uint32_t dst, rows, cols, pitch_dst, value;
};
/* c = a op b (c may be a or b): ETUDE_KERNEL_ADD, _SUB, _MUL, _DIV, _MAXIMUM, _MINIMUM; of the last
 * two a NaN where a or b is one. */
struct etude_binary_args {
  uint32_t a, b, c, rows, cols, pitch_a, pitch_b, pitch_c;
};
/* y[rows, cols] = x + row (of cols) (y may be x). */
struct etude_add_row_args {
  uint32_t x, row, y, rows, cols, pitch_x, pitch_y;
};
/* v = fma(mu, v, g); w = fma(-lr, v, w). All of one pitch. */
struct etude_momentum_args {
  uint32_t w, g, v, rows, cols, pitch, lr, mu;
};
/* m = fma(b1, m - g, g); v = fma(b2, v - g g, g g); w = fma(-lr, m / (sqrt(v) + epsilon), w). lr
 * and epsilon already hold the bias corrections of the step. All of one pitch. */
struct etude_adam_args {
  uint32_t w, g, m, v, rows, cols, pitch, lr, beta1, beta2, epsilon;
};
/* y = (x - mean) * rstd * gamma + beta over each row; with `stats` not 0, stats[row] = {mean,
 * rstd}. epsilon: bits of a float. ETUDE_KERNEL_RMSNORM: y = x * r * gamma, r = 1 / sqrt(mean(x^2)
 * + epsilon); beta and stats are not looked at. */
struct etude_layernorm_args {
  uint32_t x, y, gamma, beta, stats, rows, cols, pitch_x, pitch_y, epsilon;
};
/* dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * gamma. stats as layernorm wrote
 * them, or 0: computed again from x and epsilon (dx may be dy). ETUDE_KERNEL_RMSNORM_GRAD: dx = r *
 * (g - x * r^2 * mean(g * x)); stats are not looked at. */
struct etude_layernorm_grad_args {
  uint32_t x, dy, gamma, stats, dx, rows, cols, pitch_x, pitch_dy, pitch_dx, epsilon;
};
/* dgamma (+)= sum over the rows of dy * xhat, dbeta (+)= sum of dy. Needs stats. */
struct etude_layernorm_affine_grad_args {
  uint32_t x, dy, stats, dgamma, dbeta, rows, cols, pitch_x, pitch_dy, accumulate;
};
/* ETUDE_KERNEL_LAYERNORM_STATS: stats[row] = {mean, rstd} of each row of x;
 * ETUDE_KERNEL_RMSNORM_STATS: {0, r}, with which the sums of layernorm_affine_grad are those of
 * RMSNORM. */
struct etude_layernorm_stats_args {
  uint32_t x, stats, rows, cols, pitch_x, epsilon;
};
/* y = softmax(scale * x) over each row (y may be x). scale: bits of a float, > 0.
 * ETUDE_KERNEL_LOG_SOFTMAX: y = log softmax(x); scale is not looked at. */
struct etude_softmax_args {
  uint32_t x, y, rows, cols, pitch_x, pitch_y, scale;
};
/* dx = scale * y * (dy - sum(y * dy)) over each row (dx may be dy). ETUDE_KERNEL_SOFTMAX_GRAD: each
 * row of y is a softmax, which adds up to 1 but for rounding, and the sum is so accurate that dx
 * adds up to 0. ETUDE_KERNEL_SOFTMAX_GRAD_ANY: y is anything. ETUDE_KERNEL_LOG_SOFTMAX_GRAD: dx =
 * dy - exp(y) * sum(dy); scale is not looked at. */
struct etude_softmax_grad_args {
  uint32_t y, dy, dx, rows, cols, pitch_y, pitch_dy, pitch_dx, scale;
};
/* y = gelu(x + bias) (bias of cols, or 0: none; y may be x). */
#define ETUDE_GELU_ERF 0u
#define ETUDE_GELU_TANH 1u
#define ETUDE_GELU_SIGMOID 2u /* x * sigmoid(1.702 x) */
struct etude_gelu_args {
  uint32_t x, y, bias, rows, cols, pitch_x, pitch_y, form;
};
/* dx = dy * gelu'(x + bias) (dx may be dy or x). */
struct etude_gelu_grad_args {
  uint32_t x, dy, dx, bias, rows, cols, pitch_x, pitch_dy, pitch_dx, form;
};
/* log_p = log softmax(x) (log_p 0: not written); *loss += scale_loss * sum of -log_p[label] (loss
 * 0: not); dx = scale_grad * (p - onehot) (dx 0: not). labels: one 32-bit integer per row. */
struct etude_cross_entropy_args {
  uint32_t x, labels, log_p, dx, loss, rows, cols, pitch_x, pitch_log_p, pitch_dx, scale_loss,
      scale_grad;
};
/* dx = scale * (exp(log_p) - onehot(labels)). */
struct etude_cross_entropy_grad_args {
  uint32_t log_p, labels, dx, rows, cols, pitch_log_p, pitch_dx, scale;
};
/* Windows on images [channels, height, width] with dense rows; output pixel (y, x) sees the rows
 * y * stride_y - pad_top + 0.. and the columns x * stride_x - pad_left + 0.. of the kernel. What
 * lies outside the image is 0 (maximum: never taken; average: not counted). Two numbers in one
 * word: the vertical one << 16 | the horizontal one; pads of a tile may be negative (16 bits each).
 */
struct etude_window_args {
  uint32_t src, dst, channels, height, width, channel_pitch; /* elements between channels */
  uint32_t kernel, stride, pad, out_height, out_width;
  uint32_t pitch; /* im2col, col2im: elements of a row of the columns; pooling: between output
                     channels */
  uint32_t aux;   /* maxpool_grad: x; depthwise: see below; else 0 */
};
/* ETUDE_KERNEL_IM2COL: dst[channel * kh * kw + ky * kw + kx, y * out_width + x] = pixel of src.
 * ETUDE_KERNEL_COL2IM: src are columns, dst the image: each pixel is the sum of its entries in
 *   ascending ky, kx (written; added to what is there if bit 31 of `kernel` is set). Entries that
 *   lie outside the image may be overwritten with 0.
 * ETUDE_KERNEL_IM2ROW: dst[y * out_width + x, channel * kh * kw + ky * kw + kx] = pixel of src.
 * ETUDE_KERNEL_MAXPOOL, ETUDE_KERNEL_AVGPOOL: dst[channel, y, x]; with bit 31 of `kernel` set a
 *   maximum is at least 0 (a ReLU).
 * ETUDE_KERNEL_MAXPOOL_GRAD, ETUDE_KERNEL_AVGPOOL_GRAD: src is dy (of `pitch`), dst is dx (of
 *   channel_pitch), written whole; the first maximum of a window in row order gets its dy (if bit
 *   31 of `kernel` is set only a positive one: the gradient of a ReLU before the pooling).
 * ETUDE_KERNEL_DEPTHWISE: aux are weights [channels, kh * kw]; dst[channel, y, x] is one chain over
 *   the taps inside the image in ascending ky, kx, from 0.
 * ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT: src is dy (of `pitch`), aux the weights, dst is dx.
 * ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT: src is x, aux is dy (of `pitch`), dst is dw [channels, kh *
 * kw], added to if bit 31 of `kernel` is set, else written.
 * ETUDE_KERNEL_*_DILATED: the same with taps that stand apart: tap ky sees row ky * dilation_y, kx
 *   column kx * dilation_x of the window. out_height and out_width have the vertical and the
 *   horizontal dilation in their upper 16 bits; entries of columns outside the image stay. */

/* y[rows, cols] = act(fma(x, scale[row], shift[row])) with row counted modulo `channels` (y may be
 * x). scale 0: 1; shift 0: none. */
#define ETUDE_ACTIVATION_NONE 0u
#define ETUDE_ACTIVATION_RELU 1u
#define ETUDE_ACTIVATION_RELU6 2u
struct etude_affine_rows_args {
  uint32_t x, y, scale, shift, rows, cols, pitch_x, pitch_y, channels, activation;
};
/* dst[rows] (+)= sum over the columns of src[rows, cols]: four chains of every fourth column. */
struct etude_row_sum_args {
  uint32_t src, dst, rows, cols, pitch_src, accumulate;
};

/* Training batch normalisation of x[samples, channels, pixels] (dense): y = (x - mean) * rstd *
 * gamma
 * + beta per channel; stats[channel] = {mean, rstd}. */
struct etude_batchnorm_args {
  uint32_t x, y, gamma, beta, stats, samples, channels, pixels, epsilon;
};
/* dx, dgamma (+)=, dbeta (+)= (accumulate) of the above; dx may be dy. */
struct etude_batchnorm_grad_args {
  uint32_t x, dy, gamma, stats, dx, dgamma, dbeta, samples, channels, pixels, accumulate;
};
/* Batch normalisation in pieces [samples, channels, cols], dense. dst[channel] (+)= sum of x, or of
 * (x - mean)^2 if mean is not 0. */
struct etude_channel_sums_args {
  uint32_t src, mean, dst, samples, channels, cols, accumulate;
};
/* dbeta[channel] (+)= sum of dy, dgamma[channel] (+)= rstd * sum of dy (x - mean). */
struct etude_channel_products_args {
  uint32_t x, dy, mean, rstd, dbeta, dgamma, samples, channels, cols, accumulate;
};
/* y[rows, cols] = fma(a, scale_a, fma(b, scale_b, shift)), vectors by row modulo channels; all
 * dense, y may be a or b. */
struct etude_affine_pair_args {
  uint32_t a, b, y, scale_a, scale_b, shift, rows, cols, channels;
};
/* dst[rows, cols] = dy where fma(x, scale, shift) > 0, else 0; vectors by row modulo channels; all
 * dense, dst may be dy. */
struct etude_affine_mask_args {
  uint32_t x, dy, dst, scale, shift, rows, cols, channels;
};
/* rstd = 1 / sqrt(factor * variance + epsilon), scale = gamma rstd, shift = beta - mean scale, of
 * each channel; results with address 0 are not written. factor, epsilon: bits of a float. */
struct etude_batchnorm_scales_args {
  uint32_t gamma, beta, mean, variance, scale, shift, rstd, channels, factor, epsilon;
};
/* Rows `first` to first + count of a table stand in L1. ETUDE_KERNEL_GATHER: dst[row] = the table's
 * row indices[row]; ETUDE_KERNEL_SCATTER_ADD: the table's row indices[row] += dst[row], in
 * ascending order; where the index is another row's, nothing. indices: a 32-bit integer for each of
 * `rows`. */
struct etude_gather_args {
  uint32_t table, indices, dst, first, count, rows, cols, pitch_table, pitch_dst;
};
/* The vectors with which dx = scale_dy dy + scale_x x + shift is the gradient of training batch
 * normalisation: scale_dy = gamma rstd, scale_x = -scale_dy rstd dgamma / count, shift = -scale_dy
 * dbeta / count - scale_x mean. inverse: bits of 1 / count. */
struct etude_batchnorm_slopes_args {
  uint32_t gamma, mean, rstd, dbeta, dgamma, scale_dy, scale_x, shift, channels, inverse;
};
/* y = f(x; p), y may be x; p are bits of floats. The first members are those of etude_unary_args.
 * ETUDE_KERNEL_PIECEWISE: u = slope x + offset from low to high, beyond with slopes of u of its
 *   own; p = low, high, below, above, slope, offset.
 * ETUDE_KERNEL_ELU: gamma x where x > 0, else scale (e^(rate x) - 1); p = gamma, scale, rate > 0.
 * ETUDE_KERNEL_POWER: x^exponent; p = exponent, not 0. */
struct etude_function_args {
  uint32_t x, y, rows, cols, pitch_x, pitch_y, p[6];
};
/* dx = dy f'(x; p), dx may be dy.
 * ETUDE_KERNEL_PIECEWISE_GRAD: p = low, high, below, above, slope: the slope at x from low to high.
 * ETUDE_KERNEL_ELU_GRAD: gamma where x > 0, else scale e^(rate x); p = gamma, scale, rate. */
struct etude_function_grad_args {
  uint32_t dy, x, dx, rows, cols, pitch_dy, pitch_x, pitch_dx, p[5];
};
/* dx = dy where a > b, half of it where a = b, else 0; dx may be dy. */
struct etude_maximum_grad_args {
  uint32_t dy, a, b, dx, rows, cols, pitch_dy, pitch_a, pitch_b, pitch_dx;
};
/* dst[row, col] = number[row, col] * scale, rounded once to FP32 (ETUDE_KERNEL_DECODE_*_FP16: and
 * then to binary16). Numbers are two's complement of 8, 4 or 3 bits one behind the other, from the
 * lowest bit up, rows `pitch_src` bytes apart and each from a word on; the scale is scales[col], or
 * scales[row] with ETUDE_DECODE_ROWS. pitch_dst in elements. */
#define ETUDE_DECODE_ROWS 1u
struct etude_decode_args {
  uint32_t src, scales, dst, rows, cols, pitch_src, pitch_dst, flags;
};
#endif
