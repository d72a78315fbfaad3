// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/feeds/context.h"

namespace etude::compiler {

// Each lowers one operator of its family (operator_table.h) and throws NoRoom when L1 is too
// fragmented, UserError when it is too small.

void lower_gemm(LoweringContext& context, const Operator& op);
void lower_linear_backward(LoweringContext& context, const Operator& op);
void lower_mse(LoweringContext& context, const Operator& op);
/// Also the gradient of the loss, a node of its own.
void lower_cross_entropy(LoweringContext& context, const Operator& op);
void lower_elementwise(LoweringContext& context, const Operator& op);
/// Layer normalisation, softmax, and their gradients by the input.
void lower_rowwise(LoweringContext& context, const Operator& op);
void lower_layer_norm_affine_grad(LoweringContext& context, const Operator& op);
void lower_update(LoweringContext& context, const Operator& op);
void lower_reduce(LoweringContext& context, const Operator& op);
/// A transpose (or reshape of a transpose) that no reader can do without.
void lower_copy(LoweringContext& context, const Operator& op);

/// Slices, pads and concatenations: blocks that the DMA carries.
void lower_move(LoweringContext& context, const Operator& op);
/// Rows of a table by their indices, and the sums that come back to them.
void lower_gather(LoweringContext& context, const Operator& op);
void lower_log_softmax(LoweringContext& context, const Operator& op);
/// Normalisation by the root of the mean square, its gradients by input and scale.
void lower_rms_norm(LoweringContext& context, const Operator& op);

/// Pooling over windows of images and its gradients.
void lower_pool(LoweringContext& context, const Operator& op);

/// The sum over samples and pixels of images (the gradient of a convolution's bias), and the bias's
/// update.
void lower_channel_sum(LoweringContext& context, const Operator& op);

/// Batch normalisation; both of its gradients with the updates of scale and offset.
void lower_batch_norm(LoweringContext& context, const Operator& op);

/// Mean and variance that move towards the batch's, which the normalisation left behind.
void lower_norm_statistics(LoweringContext& context, const Operator& op);

void lower_conv(LoweringContext& context, const Operator& op);
void lower_conv_grad_weight(LoweringContext& context, const Operator& op);
void lower_conv_grad_input(LoweringContext& context, const Operator& op);

}  // namespace etude::compiler
