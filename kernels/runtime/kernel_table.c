/* SPDX-License-Identifier: Apache-2.0
 * Which function implements each kernel. The table is code that writes L1, not a constant array: an
 * array would be read from L2 at each kernel. */
#include "kernels/lib/kernels.h"
#include "kernels/runtime/runtime.h"

#define ENTRY(kernel, function) ETUDE_TABLE[kernel] = (uint32_t)(uintptr_t)(function)

void etude_fill_table(void) {
  for (uint32_t i = 0; i < ETUDE_TABLE_ENTRIES; i++) {
    ETUDE_TABLE[i] = 0;
  }
  ENTRY(ETUDE_KERNEL_GEMM, etude_gemm);
  ENTRY(ETUDE_KERNEL_RELU_GRAD, etude_relu_grad);
  ENTRY(ETUDE_KERNEL_TRANSPOSE, etude_transpose);
  ENTRY(ETUDE_KERNEL_COLUMN_SUM, etude_column_sum);
  ENTRY(ETUDE_KERNEL_SGD, etude_sgd);
  ENTRY(ETUDE_KERNEL_MSE, etude_mse);
  ENTRY(ETUDE_KERNEL_BROADCAST_ROW, etude_broadcast_row);
  ENTRY(ETUDE_KERNEL_RELU, etude_relu);
  ENTRY(ETUDE_KERNEL_FP32_TO_FP16, etude_fp32_to_fp16);
  ENTRY(ETUDE_KERNEL_FP16_TO_FP32, etude_fp16_to_fp32);
  ENTRY(ETUDE_KERNEL_FILL, etude_fill);
  ENTRY(ETUDE_KERNEL_ADD, etude_add);
  ENTRY(ETUDE_KERNEL_SCALE, etude_scale);
  ENTRY(ETUDE_KERNEL_MUL, etude_mul);
  ENTRY(ETUDE_KERNEL_ADD_ROW, etude_add_row);
  ENTRY(ETUDE_KERNEL_COPY, etude_copy);
  ENTRY(ETUDE_KERNEL_MOMENTUM, etude_momentum);
  ENTRY(ETUDE_KERNEL_ADAM, etude_adam);
  ENTRY(ETUDE_KERNEL_LAYERNORM, etude_layernorm);
  ENTRY(ETUDE_KERNEL_LAYERNORM_GRAD, etude_layernorm_grad);
  ENTRY(ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD, etude_layernorm_affine_grad);
  ENTRY(ETUDE_KERNEL_LAYERNORM_STATS, etude_layernorm_stats);
  ENTRY(ETUDE_KERNEL_SOFTMAX, etude_softmax);
  ENTRY(ETUDE_KERNEL_SOFTMAX_GRAD, etude_softmax_grad);
  ENTRY(ETUDE_KERNEL_GELU, etude_gelu);
  ENTRY(ETUDE_KERNEL_GELU_GRAD, etude_gelu_grad);
  ENTRY(ETUDE_KERNEL_CROSS_ENTROPY, etude_cross_entropy);
  ENTRY(ETUDE_KERNEL_CROSS_ENTROPY_GRAD, etude_cross_entropy_grad);
  ENTRY(ETUDE_KERNEL_IM2COL, etude_im2col);
  ENTRY(ETUDE_KERNEL_COL2IM, etude_col2im);
  ENTRY(ETUDE_KERNEL_MAXPOOL, etude_maxpool);
  ENTRY(ETUDE_KERNEL_MAXPOOL_GRAD, etude_maxpool_grad);
  ENTRY(ETUDE_KERNEL_AVGPOOL, etude_avgpool);
  ENTRY(ETUDE_KERNEL_AVGPOOL_GRAD, etude_avgpool_grad);
  ENTRY(ETUDE_KERNEL_BATCHNORM, etude_batchnorm);
  ENTRY(ETUDE_KERNEL_BATCHNORM_GRAD, etude_batchnorm_grad);
  ENTRY(ETUDE_KERNEL_SUB, etude_sub);
  ENTRY(ETUDE_KERNEL_DIV, etude_div);
  ENTRY(ETUDE_KERNEL_RELU6, etude_relu6);
  ENTRY(ETUDE_KERNEL_RELU6_GRAD, etude_relu6_grad);
  ENTRY(ETUDE_KERNEL_DEPTHWISE, etude_depthwise);
  ENTRY(ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT, etude_depthwise_grad_input);
  ENTRY(ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT, etude_depthwise_grad_weight);
  ENTRY(ETUDE_KERNEL_BATCHNORM_APPLY, etude_batchnorm_apply);
  ENTRY(ETUDE_KERNEL_IM2ROW, etude_im2row);
  ENTRY(ETUDE_KERNEL_AFFINE_ROWS, etude_affine_rows);
  ENTRY(ETUDE_KERNEL_ROW_SUM, etude_row_sum);
  ENTRY(ETUDE_KERNEL_GEMM_FP16, etude_gemm_fp16);
  ENTRY(ETUDE_KERNEL_CHANNEL_SUMS, etude_channel_sums);
  ENTRY(ETUDE_KERNEL_CHANNEL_PRODUCTS, etude_channel_products);
  ENTRY(ETUDE_KERNEL_AFFINE_PAIR, etude_affine_pair);
  ENTRY(ETUDE_KERNEL_AFFINE_MASK, etude_affine_mask);
  ENTRY(ETUDE_KERNEL_BATCHNORM_SCALES, etude_batchnorm_scales);
  ENTRY(ETUDE_KERNEL_BATCHNORM_SLOPES, etude_batchnorm_slopes);
}
