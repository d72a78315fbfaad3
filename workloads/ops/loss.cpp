// SPDX-License-Identifier: Apache-2.0
// MseLoss(y, t): loss = mean over all elements of the batch of (y - t)^2.
// MseLossGrad(y, t): dy = 2 / elements * (y - t).
// BceLoss(x, t): mean over all elements of the binary cross entropy of the logits x with targets
// 0..1, max(x, 0) - x t + log(1 + e^-|x|). BceLossGrad(x, t): dx = 1 / elements * (sigmoid(x) - t).
#include "workloads/ops/exact_math.h"
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
  const OpType type = node.op == OpType::kBceLoss ? OpType::kBceLossGrad : OpType::kMseLossGrad;
  if (builder.wants(node.inputs[0])) {
    builder.contribute_of_loss(
        node.inputs[0], node.outputs[0],
        Node{"", type, Phase::kBackward, {node.inputs[0], node.inputs[1]}, {}, {}});
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

/// e^-|x|, and 1 / (1 + e^-x).
double exp_of_minus(double x) { return exact_exp(x < 0 ? x : -x); }
double sigmoid(double x) {
  const double e = exp_of_minus(x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

void evaluate_bce(const Graph&, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  const auto& t = values[node.inputs[1]];
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = exp_of_minus(x[i]);
    // log(1 + e) without losing a small e (Goldberg 1991, theorem 4)
    const double u = 1 + e;
    const double log = u == 1 ? e : exact_log(u) * (e / (u - 1));
    sum += (x[i] > 0 ? x[i] : 0) - x[i] * t[i] + log;
  }
  values[node.outputs[0]] = {sum / static_cast<double>(x.size())};
}

void evaluate_bce_gradient(const Graph&, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& t = values[node.inputs[1]];
  for (std::size_t i = 0; i < dx.size(); ++i) {
    dx[i] = (sigmoid(dx[i]) - t[i]) / static_cast<double>(dx.size());
  }
  values[node.outputs[0]] = std::move(dx);
}

}  // namespace

const OpRules kBceLossRules{infer_loss, gradient, evaluate_bce, no_macs};
const OpRules kBceLossGradRules{infer_same_shape, nullptr, evaluate_bce_gradient, no_macs};
const OpRules kMseLossRules{infer_loss, gradient, evaluate_loss, no_macs};
const OpRules kMseLossGradRules{infer_same_shape, nullptr, evaluate_gradient, no_macs};

}  // namespace etude::ops
