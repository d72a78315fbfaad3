/* SPDX-License-Identifier: Apache-2.0
 * Every operator once or more on fixed numbers, and a hash of what it wrote. The same code runs on
 * the modelled cores (operator_hashes.c) and on the host (tests/kernels/programs_test.cpp): both
 * must agree in every bit, because both do the same IEEE operations in the same order. */
#ifndef ETUDE_TESTS_OPERATOR_CASES_H
#define ETUDE_TESTS_OPERATOR_CASES_H
#include <stdint.h>

#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"

#define ETUDE_CASE_WORDS 8192 /* per buffer; there are five */
#define ETUDE_CASE_WORKERS 8  /* sums of MSE and cross entropy depend on it */

typedef void (*etude_case_kernel)(const void* args, uint32_t worker, uint32_t workers);

struct etude_case_env {
  uint32_t base;  /* address of 5 * ETUDE_CASE_WORDS words */
  uint32_t first; /* 1 for the one that fills and hashes */
  void (*run)(etude_case_kernel kernel,
              const void* args); /* on all workers, done when it returns */
  void (*meet)(void);
  void (*report)(const char* name, uint32_t hash);
};

static inline void etude_case(const struct etude_case_env* env, const char* name,
                              etude_case_kernel kernel, const uint32_t* args) {
  uint32_t* words = (uint32_t*)(uintptr_t)env->base;
  if (env->first) {
    for (uint32_t i = 0; i < 5 * ETUDE_CASE_WORDS; i++) {
      uint32_t x = i * 0x9E3779B1u;
      x ^= x >> 15;
      x *= 0x2C1B3C6Du;
      union {
        float f;
        uint32_t u;
      } value;
      value.f = (float)((int32_t)x >> 8) * 0x1p-20f; /* -8 .. 8 */
      /* the last buffer: labels; the one before: results of a ReLU, variances */
      words[i] = i >= 4 * ETUDE_CASE_WORDS   ? x % 5
                 : i >= 3 * ETUDE_CASE_WORDS ? value.u & 0x7FFFFFFFu
                                             : value.u;
    }
  }
  env->meet();
  env->run(kernel, args);
  if (env->first) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < 4 * ETUDE_CASE_WORDS; i++) {
      hash = (hash ^ words[i]) * 16777619u;
    }
    env->report(name, hash);
  }
  env->meet();
}

static inline void etude_operator_cases(const struct etude_case_env* env) {
  const uint32_t a = env->base, b = a + 4 * ETUDE_CASE_WORDS, c = b + 4 * ETUDE_CASE_WORDS;
  const uint32_t p = c + 4 * ETUDE_CASE_WORDS, labels = p + 4 * ETUDE_CASE_WORDS;
  const uint32_t tail = c + 4 * 7000;                    /* small vectors */
  const uint32_t k = 0x3EBD70A4u, epsilon = 0x3727C5ACu; /* 0.37, 1e-5 */
#define CASE(name, kernel, ...)             \
  do {                                      \
    const uint32_t args_[] = {__VA_ARGS__}; \
    etude_case(env, name, kernel, args_);   \
  } while (0)
  for (uint32_t flags = 0; flags < 32; flags++) {
    CASE("gemm", etude_gemm, a, b, c, tail, 13, 21, 18, 37, 41, 19, flags);
  }
  CASE("relu", etude_relu, a, c, 13, 37, 41, 37);
  CASE("relu_grad", etude_relu_grad, a, p, c, 13, 37, 41, 39, 37);
  CASE("add", etude_add, a, b, c, 40, 64, 64, 64, 64);
  CASE("mul", etude_mul, a, b, c, 13, 37, 41, 39, 37);
  CASE("scale", etude_scale, a, c, 13, 37, 41, 37, k);
  CASE("copy", etude_copy, a, c, 13, 37, 41, 37, k);
  CASE("add_row", etude_add_row, a, b, c, 13, 37, 41, 37);
  CASE("fill", etude_fill, c, 13, 37, 41, k);
  CASE("broadcast_row", etude_broadcast_row, a, c, 13, 37, 41);
  CASE("sgd", etude_sgd, a, b, 40, 64, 64, 64, k);
  CASE("momentum", etude_momentum, a, b, c, 13, 37, 41, k, k);
  CASE("adam", etude_adam, a, b, c, p, 13, 37, 41, k, k, k, epsilon);
  CASE("column_sum", etude_column_sum, a, c, 13, 37, 41, 1);
  CASE("mse", etude_mse, a, b, c, tail, 13, 37, 41, 37, 39, k, k);
  CASE("bce", etude_bce, a, b, c, tail, 13, 37, 41, 37, 39, k, k);
  CASE("transpose", etude_transpose, a, c, 0, 13, 37, 41, 15, 0);
  CASE("transpose masked", etude_transpose, a, c, p, 13, 37, 41, 15, 37);
  CASE("fp32_to_fp16", etude_fp32_to_fp16, a, c, 13, 37, 41, 38);
  CASE("layernorm", etude_layernorm, a, c, b, b + 512, tail, 13, 37, 41, 39, epsilon);
  CASE("layernorm_grad", etude_layernorm_grad, a, b, p, 0, c, 13, 37, 41, 37, 39, epsilon);
  CASE("layernorm_affine_grad", etude_layernorm_affine_grad, a, b, p, c, tail, 13, 37, 41, 37, 1);
  CASE("softmax", etude_softmax, a, c, 13, 37, 41, 39, k);
  CASE("softmax_grad", etude_softmax_grad, p, b, c, 13, 37, 41, 37, 39, k);
  CASE("softmax_grad_any", etude_softmax_grad_any, a, b, c, 13, 37, 41, 37, 39, k);
  for (uint32_t form = 0; form < 3; form++) {
    CASE("gelu", etude_gelu, a, c, form == 1 ? b : 0, 13, 37, 41, 39, form);
    CASE("gelu_grad", etude_gelu_grad, a, b, c, form == 1 ? p : 0, 13, 37, 41, 37, 39, form);
  }
  for (uint32_t n = 1; n <= 9; n++) { /* pairs, quads and what is left of them */
    CASE("gelu", etude_gelu, a, c, 0, 1, n, n, n, ETUDE_GELU_ERF);
    CASE("gelu_grad", etude_gelu_grad, a, b, c, 0, 3, 8 * n, 80, 77, 79, ETUDE_GELU_ERF);
    CASE("gelu_grad", etude_gelu_grad, a, b, c, 0, 7, 149 + n, 160, 163, 165, ETUDE_GELU_ERF);
    CASE("layernorm", etude_layernorm, a, c, b, b + 512, tail, 5, n, 11, 12, epsilon);
    CASE("layernorm_stats", etude_layernorm_stats, a, c, 5, n, 11, epsilon);
    CASE("layernorm_grad", etude_layernorm_grad, a, b, p, 0, c, 5, n, 11, 12, 13, epsilon);
    CASE("layernorm_affine_grad", etude_layernorm_affine_grad, a, b, p, c, tail, 5, 8 * n + 3, 80,
         81, n & 1);
    CASE("softmax", etude_softmax, a, c, 9, n, 11, 12, k);
    CASE("softmax_grad", etude_softmax_grad, p, b, c, 9, n, 11, 12, 13, k);
  }
  CASE("cross_entropy", etude_cross_entropy, a, labels, c, b, tail, 13, 9, 11, 10, 9, k, k);
  CASE("cross_entropy_grad", etude_cross_entropy_grad, a, labels, c, 13, 9, 11, 10, k);
  const uint32_t kernel = 3u << 16 | 3u, stride = 2u << 16 | 1u, pad = 1u << 16 | 1u;
  CASE("im2col", etude_im2col, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, 0);
  CASE("col2im", etude_col2im, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, 0);
  CASE("maxpool", etude_maxpool, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, 0);
  for (uint32_t top = 0; top < 2; top++) {
    CASE("maxpool_3_2", etude_maxpool, a, c, 5, 9, 11, 100, kernel, 2u << 16 | 2u, top << 16 | top,
         4 + top, 5 + top, 57, 0);
  }
  CASE("maxpool_relu", etude_maxpool, a, c, 5, 9, 11, 100, 1u << 31 | kernel, 2u << 16 | 2u,
       1u << 16 | 1u, 5, 6, 57, 0);
  CASE("avgpool", etude_avgpool, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, 0);
  CASE("maxpool_grad", etude_maxpool_grad, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, b);
  CASE("maxpool_grad_relu", etude_maxpool_grad, a, c, 5, 9, 11, 100, 1u << 31 | kernel, stride, pad,
       5, 11, 57, b);
  CASE("avgpool_grad", etude_avgpool_grad, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, 0);
  for (uint32_t n = 1; n <= 9; n += 4) {
    CASE("gather", etude_gather, a, labels, c, 1, 3, 13, n, 41, 39);
    CASE("scatter_add", etude_scatter_add, c, labels, a, 1, 3, 13, 8 * n + 3, 91, 87);
    CASE("log_softmax", etude_log_softmax, a, c, 9, n, 11, 12, 0);
    CASE("log_softmax_grad", etude_log_softmax_grad, p, b, c, 9, n, 11, 12, 13, 0);
    CASE("rmsnorm", etude_rmsnorm, a, c, b, 0, 0, 9, n, 11, 12, epsilon);
    CASE("rmsnorm_stats", etude_rmsnorm_stats, a, c, 9, n, 11, epsilon);
    CASE("rmsnorm_grad", etude_rmsnorm_grad, a, b, p, 0, c, 9, n, 11, 12, 13, epsilon);
  }
  for (uint32_t n = 5; n <= 37; n += 16) { /* scales per column and per row */
    for (uint32_t rows = 0; rows < 2; rows++) {
      CASE("decode_int8", etude_decode_int8, a, b, c, 13, n, 48, 41, rows);
      CASE("decode_int4", etude_decode_int4, a, b, c, 13, n, 24, 41, rows);
      CASE("decode_int3", etude_decode_int3, a, b, c, 13, n, 16, 41, rows);
      CASE("decode_int8_fp16", etude_decode_int8_fp16, a, b, c, 13, n, 48, 41, rows);
      CASE("decode_int4_fp16", etude_decode_int4_fp16, a, b, c, 13, n, 24, 41, rows);
      CASE("decode_int3_fp16", etude_decode_int3_fp16, a, b, c, 13, n, 16, 41, rows);
    }
  }
  CASE("sub", etude_sub, a, b, c, 13, 37, 41, 39, 37);
  CASE("div", etude_div, a, p, c, 13, 37, 41, 39, 37);
  CASE("relu6", etude_relu6, a, c, 13, 37, 41, 37);
  CASE("relu6_grad", etude_relu6_grad, a, p, c, 13, 37, 41, 39, 37);
  CASE("sigmoid", etude_sigmoid, a, c, 13, 37, 41, 37);
  CASE("sigmoid_grad", etude_sigmoid_grad, a, p, c, 13, 37, 41, 39, 37);
  CASE("tanh", etude_tanh, a, c, 13, 37, 41, 37);
  CASE("tanh_grad", etude_tanh_grad, a, p, c, 13, 37, 41, 39, 37);
  CASE("depthwise", etude_depthwise, a, c, 5, 9, 11, 100, kernel, stride, pad, 5, 11, 57, b);
  CASE("depthwise_grad_input", etude_depthwise_grad_input, a, c, 5, 9, 11, 100, kernel, stride, pad,
       5, 11, 57, b);
  CASE("depthwise_grad_weight", etude_depthwise_grad_weight, a, c, 5, 9, 11, 100, kernel, stride,
       pad, 5, 11, 57, b);
  CASE("batchnorm_apply", etude_batchnorm_apply, a, c, b, b + 64, p, 4, 9, 13, 0);
  CASE("batchnorm", etude_batchnorm, a, c, b, b + 64, tail, 4, 9, 13, epsilon);
  CASE("batchnorm_grad", etude_batchnorm_grad, a, b, p, p + 64, c, tail, tail + 64, 4, 9, 13, 1);
  for (uint32_t kw = 1; kw <= 3; kw++) {
    CASE("im2row", etude_im2row, a, c, 5, 9, 11, 100, 3u << 16 | kw, stride, pad, 5, 14 - kw, 57,
         0);
    CASE("affine_rows", etude_affine_rows, a, c, kw == 1 ? 0 : b, p, 13, 37, 41, 39, 5, kw - 1);
    CASE("row_sum", etude_row_sum, a, c, 13, 36 + kw, 41, kw == 2);
  }
  for (uint32_t top = 0; top < 3; top++) {
    const uint32_t one = 1u << 16 | 1u;
    CASE("depthwise_same", etude_depthwise, a, c, 5, 9, 11, 100, kernel, one, top << 16 | 1u,
         7 + top, 11, 130, b);
    CASE("depthwise_grad_input_same", etude_depthwise_grad_input, a, c, 5, 9, 11, 100, kernel, one,
         top << 16 | 1u, 7 + top, 11, 130, b);
    CASE("depthwise_grad_weight_same", etude_depthwise_grad_weight, a, c, 5, 9, 11, 100, kernel,
         one, top << 16 | 1u, 7 + top, 11, 130, b);
  }
  for (uint32_t sx = 1; sx < 3; sx++) {
    for (uint32_t left = 0; left < 3; left++) {
      const uint32_t width = (8 + left) / sx + 1, steps = 2u << 16 | sx;
      CASE("depthwise_3", etude_depthwise, a, c, 5, 9, 11, 100, kernel, steps, 1u << 16 | left, 5,
           width, 57, b);
      CASE("depthwise_grad_input_3", etude_depthwise_grad_input, a, c, 5, 9, 11, 100, kernel, steps,
           1u << 16 | left, 5, width, 57, b);
      CASE("depthwise_grad_weight_3", etude_depthwise_grad_weight, a, c, 5, 9, 11, 100, kernel,
           steps, 1u << 16 | left, 5, width, 57, b);
    }
  }
  for (uint32_t left = 0; left < 3; left++) {
    CASE("im2col_threes", etude_im2col, a, c, 5, 9, 11, 100, kernel, 1u << 16 | 1u, pad + left, 9,
         10 + left, 130, 0);
    CASE("col2im_threes", etude_col2im, a, c, 5, 9, 11, 100, kernel, 1u << 16 | 1u, pad + left, 9,
         10 + left, 130, 0);
  }
  CASE("col2im_added", etude_col2im, a, c, 5, 9, 11, 100, 1u << 31 | kernel, stride, pad, 5, 11, 57,
       0);
  CASE("channel_sums", etude_channel_sums, a, 0, c, 3, 9, 13, 1);
  CASE("channel_squares", etude_channel_sums, a, p, c, 3, 9, 13, 0);
  CASE("channel_products", etude_channel_products, a, b, p, p + 64, c, tail, 3, 9, 13, 0);
  CASE("affine_pair", etude_affine_pair, a, b, c, p, p + 64, p + 128, 27, 13, 9);
  CASE("affine_mask", etude_affine_mask, a, b, c, p, a, 27, 13, 9);
  CASE("batchnorm_scales", etude_batchnorm_scales, a, b, p, p + 64, c, c + 64, c + 128, 9, k,
       epsilon);
  CASE("batchnorm_slopes", etude_batchnorm_slopes, a, b, p, p + 64, p + 128, c, c + 64, c + 128, 9,
       k);
  static const struct {
    const char* name;
    etude_case_kernel kernel;
  } apart[] = {{"im2col_dilated", etude_im2col_dilated},
               {"col2im_dilated", etude_col2im_dilated},
               {"im2row_dilated", etude_im2row_dilated},
               {"maxpool_dilated", etude_maxpool_dilated},
               {"maxpool_grad_dilated", etude_maxpool_grad_dilated},
               {"avgpool_dilated", etude_avgpool_dilated},
               {"avgpool_grad_dilated", etude_avgpool_grad_dilated},
               {"depthwise_dilated", etude_depthwise_dilated},
               {"depthwise_grad_input_dilated", etude_depthwise_grad_input_dilated},
               {"depthwise_grad_weight_dilated", etude_depthwise_grad_weight_dilated}};
  for (uint32_t i = 0; i < 2 * sizeof apart / sizeof apart[0]; i++) { /* taps apart */
    const uint32_t dy = 1 + (i & 1), dx = 3 - dy, steps = dy << 16 | dx;
    const uint32_t high = dy << 16 | ((11 - 2 * dy - 1) / dy + 1);
    const uint32_t wide = dx << 16 | ((13 - 2 * dx - 1) / dx + 1);
    CASE(apart[i / 2].name, apart[i / 2].kernel, a, c, 5, 9, 11, 100, i << 31 | kernel, steps, pad,
         high, wide, 130, b);
  }
  const uint32_t one = 0x3F800000u, two = 0x40000000u, sixth = 0x3E2AAAABu;
  CASE("piecewise", etude_piecewise, a, c, 13, 37, 41, 37, k ^ 0x80000000u, two, k, sixth, one, k);
  CASE("piecewise_grad", etude_piecewise_grad, a, b, c, 13, 37, 41, 39, 37, k, two, 0, sixth, one);
  CASE("elu", etude_elu, a, c, 13, 37, 41, 37, one, k, two);
  CASE("elu_grad", etude_elu_grad, a, b, c, 13, 37, 41, 39, 37, one, k, two);
  CASE("exponential", etude_exponential, a, c, 13, 37, 41, 37);
  CASE("logarithm", etude_logarithm, p, c, 13, 37, 41, 37);
  CASE("softplus", etude_softplus, a, c, 13, 37, 41, 37);
  CASE("erf", etude_erf, a, c, 13, 37, 41, 37);
  CASE("square_root", etude_square_root, p, c, 13, 37, 41, 37);
  CASE("reciprocal", etude_reciprocal, a, c, 13, 37, 41, 37);
  CASE("power", etude_power, p, c, 13, 37, 41, 37, k);
  CASE("power of three", etude_power, a, c, 13, 37, 41, 37, 0x40400000u);
  CASE("sine", etude_sine, a, c, 13, 37, 41, 37);
  CASE("cosine", etude_cosine, a, c, 13, 37, 41, 37);
  CASE("maximum", etude_maximum, a, b, c, 13, 37, 41, 39, 37);
  CASE("minimum", etude_minimum, a, b, c, 13, 37, 41, 39, 37);
  CASE("maximum_grad", etude_maximum_grad, a, b, p, c, 13, 37, 41, 39, 38, 37);
#undef CASE
}
#endif
