/* SPDX-License-Identifier: Apache-2.0
 * Every kernel: one C function, called by all workers at once with the arguments of
 * kernels/include/etude_kernels.h. Worker `worker` of `workers` computes its share; no two workers
 * write one word. Workers meet again in the barrier of the caller. */
#ifndef ETUDE_LIB_KERNELS_H
#define ETUDE_LIB_KERNELS_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
void etude_gemm(const void* args, uint32_t worker, uint32_t workers);
void etude_gemm_fp16(const void* args, uint32_t worker, uint32_t workers);
void etude_relu(const void* args, uint32_t worker, uint32_t workers);
void etude_relu_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_add(const void* args, uint32_t worker, uint32_t workers);
void etude_fill(const void* args, uint32_t worker, uint32_t workers);
void etude_broadcast_row(const void* args, uint32_t worker, uint32_t workers);
void etude_sgd(const void* args, uint32_t worker, uint32_t workers);
void etude_column_sum(const void* args, uint32_t worker, uint32_t workers);
void etude_mse(const void* args, uint32_t worker, uint32_t workers);
void etude_transpose(const void* args, uint32_t worker, uint32_t workers);
void etude_fp32_to_fp16(const void* args, uint32_t worker, uint32_t workers);
void etude_fp16_to_fp32(const void* args, uint32_t worker, uint32_t workers);
void etude_scale(const void* args, uint32_t worker, uint32_t workers);
void etude_mul(const void* args, uint32_t worker, uint32_t workers);
void etude_add_row(const void* args, uint32_t worker, uint32_t workers);
void etude_copy(const void* args, uint32_t worker, uint32_t workers);
void etude_momentum(const void* args, uint32_t worker, uint32_t workers);
void etude_adam(const void* args, uint32_t worker, uint32_t workers);
void etude_layernorm(const void* args, uint32_t worker, uint32_t workers);
void etude_layernorm_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_layernorm_affine_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_layernorm_stats(const void* args, uint32_t worker, uint32_t workers);
void etude_softmax(const void* args, uint32_t worker, uint32_t workers);
void etude_softmax_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_gelu(const void* args, uint32_t worker, uint32_t workers);
void etude_gelu_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_cross_entropy(const void* args, uint32_t worker, uint32_t workers);
void etude_cross_entropy_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_im2col(const void* args, uint32_t worker, uint32_t workers);
void etude_col2im(const void* args, uint32_t worker, uint32_t workers);
void etude_maxpool(const void* args, uint32_t worker, uint32_t workers);
void etude_maxpool_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_avgpool(const void* args, uint32_t worker, uint32_t workers);
void etude_avgpool_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_batchnorm(const void* args, uint32_t worker, uint32_t workers);
void etude_batchnorm_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_sub(const void* args, uint32_t worker, uint32_t workers);
void etude_div(const void* args, uint32_t worker, uint32_t workers);
void etude_relu6(const void* args, uint32_t worker, uint32_t workers);
void etude_relu6_grad(const void* args, uint32_t worker, uint32_t workers);
void etude_depthwise(const void* args, uint32_t worker, uint32_t workers);
void etude_depthwise_grad_input(const void* args, uint32_t worker, uint32_t workers);
void etude_depthwise_grad_weight(const void* args, uint32_t worker, uint32_t workers);
void etude_batchnorm_apply(const void* args, uint32_t worker, uint32_t workers);
void etude_im2row(const void* args, uint32_t worker, uint32_t workers);
void etude_affine_rows(const void* args, uint32_t worker, uint32_t workers);
void etude_row_sum(const void* args, uint32_t worker, uint32_t workers);
void etude_channel_sums(const void* args, uint32_t worker, uint32_t workers);
void etude_channel_products(const void* args, uint32_t worker, uint32_t workers);
void etude_affine_pair(const void* args, uint32_t worker, uint32_t workers);
void etude_affine_mask(const void* args, uint32_t worker, uint32_t workers);
void etude_batchnorm_scales(const void* args, uint32_t worker, uint32_t workers);
void etude_batchnorm_slopes(const void* args, uint32_t worker, uint32_t workers);
#ifdef __cplusplus
}
#endif
#endif
