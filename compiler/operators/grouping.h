// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/operators/storage.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {

/// What is lowered as one: a node and the neighbours that run on its tiles while they are in L1.
struct Operator {
  NodeId node{};                 ///< names it; decides how it is lowered
  std::optional<NodeId> scale;   ///< before a Softmax
  std::optional<NodeId> affine;  ///< gradient of gain and offset, beside a LayerNorm's own
  std::optional<NodeId> add;     ///< sum of a Gemm's result and a tensor of its shape
  std::optional<NodeId> row;     ///< sum of that and a row for all rows
  std::optional<NodeId> relu;  ///< behind a forward Gemm or Conv, or before a MaxPool (or its sum)
  std::optional<NodeId> relu_grad;  ///< behind a Gemm that makes an activation's gradient
  /// Both gradients of a linear layer: dX = dY W^T (the node itself, or behind the last layer's
  /// forward pass and loss) ...
  std::optional<NodeId> input_grad;
  std::optional<NodeId> weight_grad;  ///< ... and dW = X^T dY
  std::optional<NodeId> sgd;          ///< behind a Gemm that makes a parameter's gradient
  std::optional<NodeId> bias_sum;     ///< column sums of that Gemm's second factor
  std::optional<NodeId> bias_sgd;     ///< the update with them
  std::optional<NodeId> loss;         ///< behind the Gemm that makes the network's result
  std::optional<NodeId> loss_grad;    ///< of the loss: made in the same pass

  std::vector<NodeId> nodes() const;
};

/// Whether a node sums images [N,C,H,W] over all but the channels.
bool sums_pixels(const Graph& graph, const Node& node);

/// The ReLU that makes `image`, if only maxima over it and their gradients read it: it then runs
/// with them, and its result is never stored.
std::optional<NodeId> pooled_relu(const Graph& graph, TensorId image);

/// Groups the nodes of a training graph into operators, in an order that respects every
/// dependence, also that a parameter is updated in place only after its last reader.
/// `join_backward`: both gradients of a linear layer are one operator. `early_updates`: those that
/// stand alone come where their gradients are ready. Nodes that need no operation
/// (StoragePlan::free) belong to none.
std::vector<Operator> group_operators(const Graph& graph, const StoragePlan& storage,
                                      bool join_backward, bool early_updates = false);

/// Whether a Gemm is one product of two matrices (rows of a stack over one matrix count as rows).
bool one_product(const Graph& graph, const StoragePlan& storage, const Node& gemm);

}  // namespace etude::compiler
