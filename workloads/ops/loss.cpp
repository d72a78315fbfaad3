// SPDX-License-Identifier: Apache-2.0
// MseLoss(y, t): loss = mean over all elements of the batch of (y - t)^2.
// MseLossGrad(y, t): dy = 2 / elements * (y - t).
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer_loss(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  if (graph.tensor(node.inputs[0]).shape != graph.tensor(node.inputs[1]).shape) {
    shape_error(graph, node, "result and target must have one shape");
  }
  graph.tensor(node.outputs[0]).dtype = DType::kFloat32;
  graph.tensor(node.outputs[0]).shape = {};
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(
        node.inputs[0],
        Node{"", OpType::kMseLossGrad, Phase::kBackward, {node.inputs[0], node.inputs[1]}, {}, {}});
  }
}

void evaluate_loss(const Graph&, const Node& node, TensorValues& values) {
  const auto& y = values[node.inputs[0]];
  const auto& t = values[node.inputs[1]];
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    sum += (y[i] - t[i]) * (y[i] - t[i]);
  }
  values[node.outputs[0]] = {sum / static_cast<double>(y.size())};
}

void evaluate_gradient(const Graph&, const Node& node, TensorValues& values) {
  auto dy = values[node.inputs[0]];
  const auto& t = values[node.inputs[1]];
  const double scale = 2.0 / static_cast<double>(dy.size());
  for (std::size_t i = 0; i < dy.size(); ++i) {
    dy[i] = scale * (dy[i] - t[i]);
  }
  values[node.outputs[0]] = std::move(dy);
}

}  // namespace

const OpRules kMseLossRules{infer_loss, gradient, evaluate_loss, no_macs};
const OpRules kMseLossGradRules{infer_same_shape, nullptr, evaluate_gradient, no_macs};

}  // namespace etude::ops
