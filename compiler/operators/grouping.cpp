// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/grouping.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/operators/operator_order.h"
#include "compiler/operators/operator_table.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {

std::vector<NodeId> Operator::nodes() const {
  std::vector<NodeId> all{node};
  for (const auto& other : {scale, affine, add, row, relu, relu_grad, input_grad, weight_grad, sgd,
                            bias_sum, bias_sgd, loss, loss_grad}) {
    if (other && *other != node) {
      all.push_back(*other);
    }
  }
  return all;
}

namespace {

class Grouper {
 public:
  Grouper(const Graph& graph, const StoragePlan& storage, bool join_backward, bool early_updates)
      : graph_(graph), storage_(storage), join_(join_backward), early_updates_(early_updates) {}

  std::vector<Operator> run() {
    for (NodeId n : graph_.topological_order()) {
      if (storage_.free(n)) {
        taken_.insert(n);
      } else if (!taken_.contains(n)) {
        operators_.push_back(group(n));
        for (NodeId member : operators_.back().nodes()) {
          taken_.insert(member);
        }
      }
    }
    return in_order(graph_, storage_, std::move(operators_), early_updates_);
  }

 private:
  /// The only reader of an output of the node, if its type is wanted and it is free.
  template <typename Wanted>
  std::optional<NodeId> sole_reader_if(NodeId n, Wanted&& wanted, std::size_t output = 0) const {
    const auto readers = graph_.consumers(graph_.node(n).outputs[output]);
    if (readers.size() != 1 || !wanted(graph_.node(readers[0]).op) || taken_.contains(readers[0])) {
      return std::nullopt;
    }
    return readers[0];
  }

  std::optional<NodeId> sole_reader(NodeId n, OpType type, std::size_t output = 0) const {
    return sole_reader_if(n, [&](OpType found) { return found == type; }, output);
  }

  Operator group(NodeId n) const {
    const Node& node = graph_.node(n);
    Operator made;
    made.node = n;
    if (node.op == OpType::kGemm) {
      group_gemm(n, made);
    } else if ((node.op == OpType::kConv || node.op == OpType::kBatchNorm) &&
               node.phase == Phase::kForward) {
      made.relu = sole_reader_if(
          n, [](OpType type) { return row_of(type).activation != ETUDE_ACTIVATION_NONE; });
      if (made.relu && pooled_relu(graph_, graph_.node(*made.relu).outputs[0]) == made.relu) {
        made.relu.reset();
      }
    } else if (node.op == OpType::kRelu && pooled_relu(graph_, node.outputs[0]) == n) {
      made.relu = n;
      for (NodeId reader : graph_.consumers(node.outputs[0])) {
        made.node = graph_.node(reader).op == OpType::kMaxPool ? reader : made.node;
      }
    } else if (node.op == OpType::kMaxPoolGrad) {
      made.relu_grad = mask_of(n);  // where the ReLU made the pooled image
      if (made.relu_grad && graph_.node(*made.relu_grad).inputs[1] != node.inputs[1]) {
        made.relu_grad.reset();
      }
    } else if (node.op == OpType::kConvGradWeight || sums_pixels(graph_, node)) {
      made.sgd = sole_reader(n, OpType::kSgd);
    } else if (const auto norm = norm_behind(n)) {
      made.node = *norm;
      made.relu_grad = n;
      group_norm_backward(*norm, made);
    } else if (node.op == OpType::kBatchNormGrad || node.op == OpType::kBatchNormAffineGrad) {
      group_norm_backward(n, made);
    } else if (node.op == OpType::kLayerNormGrad) {
      for (NodeId reader : graph_.consumers(node.inputs[0])) {
        const Node& other = graph_.node(reader);
        const bool same = other.op == OpType::kLayerNormAffineGrad && !taken_.contains(reader) &&
                          other.inputs[0] == node.inputs[0] && other.inputs[1] == node.inputs[1] &&
                          other.real("epsilon", 1e-5) == node.real("epsilon", 1e-5);
        made.affine = same ? std::optional(reader) : made.affine;
      }
    } else if (node.op == OpType::kScale) {
      if (const auto softmax = sole_reader(n, OpType::kSoftmax)) {
        made.node = *softmax;
        made.scale = n;
      }
    } else if (node.op == OpType::kMseLoss || node.op == OpType::kBceLoss) {
      const OpType grad = node.op == OpType::kBceLoss ? OpType::kBceLossGrad : OpType::kMseLossGrad;
      for (NodeId reader : graph_.consumers(node.inputs[0])) {
        const Node& other = graph_.node(reader);
        if (other.op == grad && other.inputs == node.inputs) {
          made.loss_grad = reader;
        }
      }
    }
    return made;
  }

  /// A gradient of the batch normalisation before a ReLU whose own gradient is node `n`, if nothing
  /// else reads that: the normalisation's input tells where the ReLU was open.
  std::optional<NodeId> norm_behind(NodeId n) const {
    const Node& mask = graph_.node(n);
    if (mask.op != OpType::kReluGrad) {
      return std::nullopt;
    }
    const auto relu = graph_.producer(mask.inputs[1]);
    const auto norm = relu && graph_.node(*relu).op == OpType::kRelu
                          ? graph_.producer(graph_.node(*relu).inputs[0])
                          : std::nullopt;
    if (!norm || graph_.node(*norm).op != OpType::kBatchNorm ||
        graph_.node(*norm).integer("training") == 0) {
      return std::nullopt;
    }
    std::optional<NodeId> found;
    for (NodeId reader : graph_.consumers(mask.outputs[0])) {
      const Node& other = graph_.node(reader);
      const bool gradient =
          other.op == OpType::kBatchNormGrad || other.op == OpType::kBatchNormAffineGrad;
      if (!gradient || other.inputs[0] != mask.outputs[0] || taken_.contains(reader) ||
          other.inputs[1] != graph_.node(*norm).inputs[0]) {
        return std::nullopt;
      }
      found = reader;
    }
    return found;
  }

  /// Both gradients of a batch normalisation, which need the same sums, and the updates with them.
  void group_norm_backward(NodeId n, Operator& made) const {
    const Node& node = graph_.node(n);
    for (NodeId reader : graph_.consumers(node.inputs[0])) {
      const Node& other = graph_.node(reader);
      const bool same = other.inputs.size() > 2 && other.inputs[0] == node.inputs[0] &&
                        other.inputs[1] == node.inputs[1] && !taken_.contains(reader);
      if (same && other.op == OpType::kBatchNormGrad && !made.input_grad) {
        made.input_grad = reader;
      } else if (same && other.op == OpType::kBatchNormAffineGrad && !made.weight_grad) {
        made.weight_grad = reader;
      }
    }
    if (made.weight_grad) {
      made.sgd = sole_reader(*made.weight_grad, OpType::kSgd, 0);
      made.bias_sgd = sole_reader(*made.weight_grad, OpType::kSgd, 1);
    }
  }

  void group_gemm(NodeId n, Operator& made) const {
    const Node& node = graph_.node(n);
    const bool one = one_product(graph_, storage_, node);
    made.add = sum_behind(n);
    if (one && (node.inputs.size() == 2 || is_row(node.inputs[2], node.outputs[0]))) {
      made.row = row_behind(made.add.value_or(n));
    }
    const NodeId last = made.row.value_or(made.add.value_or(n));
    if (!one) {
      return;
    }
    if (node.phase == Phase::kForward) {
      made.relu = sole_reader(last, OpType::kRelu);
      if (last == n) {
        add_loss(node, made);
      }
      if (made.loss && join_) {
        add_last_backward(node, made);
      }
      return;
    }
    made.relu_grad = mask_of(last);
    if (last != n) {
      return;
    }
    if (!reads_trained(node)) {
      made.sgd = sole_reader(n, OpType::kSgd);
    }
    if (made.sgd) {
      add_bias(node, made);
    } else if (join_) {
      add_weight_grad(n, made);
    }
  }

  /// The sum of a Gemm's result with something of its shape that is there before (itself is not).
  std::optional<NodeId> sum_behind(NodeId n) const {
    const auto sum = sole_reader(n, OpType::kAdd);
    if (!sum || graph_.node(*sum).inputs.size() != 2) {
      return std::nullopt;
    }
    const Node& add = graph_.node(*sum);
    const TensorId mine = graph_.node(n).outputs[0];
    const TensorId other = add.inputs[add.inputs[0] == mine ? 1 : 0];
    const auto maker = graph_.producer(other);
    const bool there = (!maker || taken_.contains(*maker)) &&
                       graph_.tensor(other).shape == graph_.tensor(mine).shape &&
                       storage_.contiguous(other) && storage_.contiguous(add.outputs[0]) &&
                       storage_.contiguous(mine);
    return there ? sum : std::nullopt;
  }

  /// The sum of a node's result with a row that is there before.
  std::optional<NodeId> row_behind(NodeId n) const {
    const auto sum = sole_reader(n, OpType::kAdd);
    if (!sum || graph_.node(*sum).inputs.size() != 2) {
      return std::nullopt;
    }
    const Node& add = graph_.node(*sum);
    const TensorId mine = graph_.node(n).outputs[0];
    const TensorId other = add.inputs[add.inputs[0] == mine ? 1 : 0];
    const auto maker = graph_.producer(other);
    const bool there = (!maker || taken_.contains(*maker)) && is_row(other, mine) &&
                       graph_.tensor(mine).elements() > graph_.tensor(other).elements() &&
                       storage_.contiguous(add.outputs[0]) && storage_.contiguous(mine);
    return there ? sum : std::nullopt;
  }

  /// Whether a product reads a parameter that the step updates. It then updates none itself: of
  /// the two gradients of a product of two parameters each would wait for the other to be read.
  bool reads_trained(const Node& node) const {
    return std::ranges::any_of(node.inputs, [&](TensorId input) {
      return std::ranges::any_of(graph_.consumers(input), [&](NodeId reader) {
        const Node& other = graph_.node(reader);
        return other.phase == Phase::kUpdate && other.inputs[0] == input;
      });
    });
  }

  /// Whether a tensor is one row that is added to all rows of `to`.
  bool is_row(TensorId tensor, TensorId to) const {
    const Shape& row = graph_.tensor(tensor).shape;
    const Shape& shape = graph_.tensor(to).shape;
    return !row.empty() && row.size() <= shape.size() && row.back() == shape.back() &&
           graph_.tensor(tensor).elements() == row.back();
  }

  std::optional<NodeId> mask_of(NodeId n) const {
    const auto mask = sole_reader(n, OpType::kReluGrad);
    return mask && graph_.node(*mask).inputs[0] == graph_.node(n).outputs[0] ? mask : std::nullopt;
  }

  /// The last layer's gradients join its forward pass: one visit of its weight for all three.
  void add_last_backward(const Node& node, Operator& made) const {
    const bool plain = node.integer("transA") == 0 && node.integer("transB") == 0;
    const TensorId dy = graph_.node(*made.loss_grad).outputs[0];
    for (NodeId reader : graph_.consumers(dy)) {
      const Node& other = graph_.node(reader);
      if (!plain || other.op != OpType::kGemm || other.inputs[0] != dy ||
          other.inputs[1] != node.inputs[1]) {
        continue;
      }
      Operator found = made;
      found.relu_grad = mask_of(reader);
      add_weight_grad(reader, found);
      const bool same_x =
          found.weight_grad && graph_.node(*found.weight_grad).inputs[0] == node.inputs[0];
      const bool same_bias = found.bias_sgd && node.inputs.size() == 3 &&
                             graph_.node(*found.bias_sgd).inputs[0] == node.inputs[2];
      if (same_x && same_bias) {
        made = found;
        return;
      }
    }
  }

  /// dX = dY W^T: looks for dW = X^T dY that updates the same W, with X the mask of dX if it has
  /// one.
  void add_weight_grad(NodeId input_grad, Operator& made) const {
    const Node& node = graph_.node(input_grad);
    if (node.integer("transA") != 0 || node.integer("transB") != 1 || node.inputs.size() != 2) {
      return;
    }
    if (!one_product(graph_, storage_, node) || !storage_.contiguous(node.inputs[0]) ||
        !storage_.contiguous(node.inputs[1])) {
      return;
    }
    for (NodeId reader : graph_.consumers(node.inputs[0])) {
      const Node& other = graph_.node(reader);
      if (other.op != OpType::kGemm || other.phase == Phase::kForward || taken_.contains(reader) ||
          other.inputs[1] != node.inputs[0] || !storage_.contiguous(other.inputs[0]) ||
          other.integer("transA") != 1 || other.integer("transB") != 0) {
        continue;
      }
      const auto update = sole_reader(reader, OpType::kSgd);
      const bool same_mask =
          !made.relu_grad || graph_.node(*made.relu_grad).inputs[1] == other.inputs[0];
      if (update && graph_.node(*update).inputs[0] == node.inputs[1] && same_mask) {
        made.input_grad = input_grad;
        made.weight_grad = reader;
        made.sgd = update;
        add_bias(other, made);
        return;
      }
    }
  }

  /// The loss and its gradient, if nobody else reads the result.
  void add_loss(const Node& node, Operator& made) const {
    const auto readers = graph_.consumers(node.outputs[0]);
    if (readers.size() != 2) {
      return;
    }
    const Node& first = graph_.node(readers[0]);
    const Node& second = graph_.node(readers[1]);
    if (first.op == OpType::kMseLoss && second.op == OpType::kMseLossGrad &&
        first.inputs == second.inputs && first.inputs[0] == node.outputs[0]) {
      made.loss = readers[0];
      made.loss_grad = readers[1];
    }
  }

  void add_bias(const Node& node, Operator& made) const {
    if (node.integer("transB") != 0) {
      return;
    }
    for (NodeId reader : graph_.consumers(node.inputs[1])) {
      if (graph_.node(reader).op == OpType::kReduceSum && !taken_.contains(reader)) {
        if (const auto update = sole_reader(reader, OpType::kSgd)) {
          made.bias_sum = reader;
          made.bias_sgd = update;
          return;
        }
      }
    }
  }

  const Graph& graph_;
  const StoragePlan& storage_;
  bool join_, early_updates_;
  std::set<NodeId> taken_;
  std::vector<Operator> operators_;
};

}  // namespace

std::vector<Operator> group_operators(const Graph& graph, const StoragePlan& storage,
                                      bool join_backward, bool early_updates) {
  return Grouper(graph, storage, join_backward, early_updates).run();
}

bool one_product(const Graph& graph, const StoragePlan& storage, const Node& gemm) {
  return gemm_shape(graph, gemm).batch == 1 && storage.as_matrix(gemm.inputs[0]) &&
         storage.as_matrix(gemm.inputs[1]) && storage.as_matrix(gemm.outputs[0]);
}

bool sums_pixels(const Graph& graph, const Node& node) {
  if (node.op != OpType::kReduceSum) {
    return false;
  }
  const std::size_t rank = graph.tensor(node.inputs[0]).shape.size();
  const auto axes = node.integers("axes");
  return (rank == 4 && axes == std::vector<std::int64_t>{0, 2, 3}) ||
         (rank == 3 && axes == std::vector<std::int64_t>{0, 2});
}

std::optional<NodeId> pooled_relu(const Graph& graph, TensorId image) {
  const auto maker = graph.producer(image);
  if (!maker || graph.node(*maker).op != OpType::kRelu) {
    return std::nullopt;
  }
  const TensorId raw = graph.node(*maker).inputs[0];
  const auto source = graph.producer(raw);
  if (!source || graph.node(*source).op != OpType::kConv || graph.consumers(raw).size() != 1) {
    return std::nullopt;
  }
  int pools = 0;
  for (NodeId reader : graph.consumers(image)) {
    const Node& node = graph.node(reader);
    const TensorId made = node.outputs[0];
    if (node.op == OpType::kMaxPool) {
      ++pools;
    } else if (node.op == OpType::kMaxPoolGrad) {
      // Its only reader is the ReLU's own gradient, which runs with it.
      const auto readers = graph.consumers(made);
      if (node.inputs[0] == image || readers.size() != 1 ||
          graph.node(readers[0]).op != OpType::kReluGrad ||
          graph.node(readers[0]).inputs != std::vector<TensorId>{made, image}) {
        return std::nullopt;
      }
    } else if (node.op != OpType::kReluGrad || node.inputs[0] == image ||
               !graph.producer(node.inputs[0]) ||
               graph.node(*graph.producer(node.inputs[0])).op != OpType::kMaxPoolGrad) {
      return std::nullopt;
    }
  }
  return pools == 1 ? maker : std::nullopt;
}

}  // namespace etude::compiler
