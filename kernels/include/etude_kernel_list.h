/* SPDX-License-Identifier: Apache-2.0
 * The one list of kernels, for C and C++. A row gives the enumerator (etude_kernels.h), the
 * function (kernels/lib/kernels.h), its place in the table of the runtime and the name in traces
 * and tables. */
#ifndef ETUDE_KERNEL_LIST_H
#define ETUDE_KERNEL_LIST_H

/* X(e, number, name, args): ETUDE_KERNEL_e has that number in task lists and is implemented by
 * etude_name, which reads a struct etude_args_args. Numbers ascend from 0 and are never given
 * anew. */
#define ETUDE_KERNEL_LIST(X)                                                  \
  X(GEMM, 0, gemm, gemm)                                                      \
  X(RELU_GRAD, 1, relu_grad, result_grad)                                     \
  X(TRANSPOSE, 2, transpose, transpose)                                       \
  X(COLUMN_SUM, 3, column_sum, column_sum)                                    \
  X(SGD, 4, sgd, sgd)                                                         \
  X(MSE, 5, mse, mse)                                                         \
  X(BROADCAST_ROW, 6, broadcast_row, broadcast_row)                           \
  X(RELU, 7, relu, unary)                                                     \
  X(FP32_TO_FP16, 8, fp32_to_fp16, convert)                                   \
  X(FP16_TO_FP32, 9, fp16_to_fp32, convert)                                   \
  X(FILL, 10, fill, fill)                                                     \
  X(ADD, 11, add, binary)                                                     \
  X(SCALE, 12, scale, unary)                                                  \
  X(MUL, 13, mul, binary)                                                     \
  X(ADD_ROW, 14, add_row, add_row)                                            \
  X(COPY, 15, copy, unary)                                                    \
  X(MOMENTUM, 16, momentum, momentum)                                         \
  X(ADAM, 17, adam, adam)                                                     \
  X(LAYERNORM, 18, layernorm, layernorm)                                      \
  X(LAYERNORM_GRAD, 19, layernorm_grad, layernorm_grad)                       \
  X(LAYERNORM_AFFINE_GRAD, 20, layernorm_affine_grad, layernorm_affine_grad)  \
  X(SOFTMAX, 21, softmax, softmax)                                            \
  X(SOFTMAX_GRAD, 22, softmax_grad, softmax_grad)                             \
  X(GELU, 23, gelu, gelu)                                                     \
  X(GELU_GRAD, 24, gelu_grad, gelu_grad)                                      \
  X(CROSS_ENTROPY, 25, cross_entropy, cross_entropy)                          \
  X(CROSS_ENTROPY_GRAD, 26, cross_entropy_grad, cross_entropy_grad)           \
  X(IM2COL, 27, im2col, window)                                               \
  X(COL2IM, 28, col2im, window)                                               \
  X(MAXPOOL, 29, maxpool, window)                                             \
  X(MAXPOOL_GRAD, 30, maxpool_grad, window)                                   \
  X(AVGPOOL, 31, avgpool, window)                                             \
  X(AVGPOOL_GRAD, 32, avgpool_grad, window)                                   \
  X(BATCHNORM, 33, batchnorm, batchnorm)                                      \
  X(BATCHNORM_GRAD, 34, batchnorm_grad, batchnorm_grad)                       \
  X(SUB, 35, sub, binary)                                                     \
  X(DIV, 36, div, binary)                                                     \
  X(RELU6, 37, relu6, unary)                                                  \
  X(RELU6_GRAD, 38, relu6_grad, result_grad)                                  \
  X(DEPTHWISE, 39, depthwise, window)                                         \
  X(DEPTHWISE_GRAD_INPUT, 40, depthwise_grad_input, window)                   \
  X(DEPTHWISE_GRAD_WEIGHT, 41, depthwise_grad_weight, window)                 \
  X(BATCHNORM_APPLY, 42, batchnorm_apply, batchnorm)                          \
  X(IM2ROW, 43, im2row, window)                                               \
  X(AFFINE_ROWS, 44, affine_rows, affine_rows)                                \
  X(ROW_SUM, 45, row_sum, row_sum)                                            \
  X(LAYERNORM_STATS, 46, layernorm_stats, layernorm_stats)                    \
  X(GEMM_FP16, 47, gemm_fp16, gemm)                                           \
  X(CHANNEL_SUMS, 48, channel_sums, channel_sums)                             \
  X(CHANNEL_PRODUCTS, 49, channel_products, channel_products)                 \
  X(AFFINE_PAIR, 50, affine_pair, affine_pair)                                \
  X(BATCHNORM_SCALES, 51, batchnorm_scales, batchnorm_scales)                 \
  X(BATCHNORM_SLOPES, 52, batchnorm_slopes, batchnorm_slopes)                 \
  X(AFFINE_MASK, 53, affine_mask, affine_mask)                                \
  X(SIGMOID, 54, sigmoid, unary)                                              \
  X(SIGMOID_GRAD, 55, sigmoid_grad, result_grad)                              \
  X(TANH, 56, tanh, unary)                                                    \
  X(TANH_GRAD, 57, tanh_grad, result_grad)                                    \
  X(BCE, 58, bce, mse)                                                        \
  X(SOFTMAX_GRAD_ANY, 59, softmax_grad_any, softmax_grad)                     \
  X(IM2COL_DILATED, 60, im2col_dilated, window)                               \
  X(COL2IM_DILATED, 61, col2im_dilated, window)                               \
  X(IM2ROW_DILATED, 62, im2row_dilated, window)                               \
  X(MAXPOOL_DILATED, 63, maxpool_dilated, window)                             \
  X(MAXPOOL_GRAD_DILATED, 64, maxpool_grad_dilated, window)                   \
  X(AVGPOOL_DILATED, 65, avgpool_dilated, window)                             \
  X(AVGPOOL_GRAD_DILATED, 66, avgpool_grad_dilated, window)                   \
  X(DEPTHWISE_DILATED, 67, depthwise_dilated, window)                         \
  X(DEPTHWISE_GRAD_INPUT_DILATED, 68, depthwise_grad_input_dilated, window)   \
  X(DEPTHWISE_GRAD_WEIGHT_DILATED, 69, depthwise_grad_weight_dilated, window) \
  X(PIECEWISE, 70, piecewise, function)                                       \
  X(PIECEWISE_GRAD, 71, piecewise_grad, function_grad)                        \
  X(ELU, 72, elu, function)                                                   \
  X(ELU_GRAD, 73, elu_grad, function_grad)                                    \
  X(EXPONENTIAL, 74, exponential, unary)                                      \
  X(LOGARITHM, 75, logarithm, unary)                                          \
  X(SOFTPLUS, 76, softplus, unary)                                            \
  X(ERF, 77, erf, unary)                                                      \
  X(SQUARE_ROOT, 78, square_root, unary)                                      \
  X(RECIPROCAL, 79, reciprocal, unary)                                        \
  X(POWER, 80, power, function)                                               \
  X(SINE, 81, sine, unary)                                                    \
  X(COSINE, 82, cosine, unary)                                                \
  X(MAXIMUM, 83, maximum, binary)                                             \
  X(MINIMUM, 84, minimum, binary)                                             \
  X(MAXIMUM_GRAD, 85, maximum_grad, maximum_grad)                             \
  X(GATHER, 86, gather, gather)                                               \
  X(SCATTER_ADD, 87, scatter_add, gather)                                     \
  X(LOG_SOFTMAX, 88, log_softmax, softmax)                                    \
  X(LOG_SOFTMAX_GRAD, 89, log_softmax_grad, softmax_grad)                     \
  X(RMSNORM, 90, rmsnorm, layernorm)                                          \
  X(RMSNORM_STATS, 91, rmsnorm_stats, layernorm_stats)                        \
  X(RMSNORM_GRAD, 92, rmsnorm_grad, layernorm_grad)                           \
  X(DECODE_INT8, 93, decode_int8, decode)                                     \
  X(DECODE_INT4, 94, decode_int4, decode)                                     \
  X(DECODE_INT3, 95, decode_int3, decode)                                     \
  X(DECODE_INT8_FP16, 96, decode_int8_fp16, decode)                           \
  X(DECODE_INT4_FP16, 97, decode_int4_fp16, decode)                           \
  X(DECODE_INT3_FP16, 98, decode_int3_fp16, decode)
#endif
