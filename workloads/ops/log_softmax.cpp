// SPDX-License-Identifier: Apache-2.0
// LogSoftmax over the last axis: y = x - log(sum e^x). LogSoftmaxGrad(dy, y): dx = dy - e^y
// sum(dy).
#include "workloads/ops/exact_math.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer(Graph& graph, const Node& node) {
  infer_same_shape(graph, node);
  if (graph.tensor(node.inputs[0]).shape.empty()) {
    shape_error(graph, node, "it needs an axis");
  }
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], Node{"",
                                            OpType::kLogSoftmaxGrad,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.outputs[0]},
                                            {},
                                            {}});
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  const std::uint64_t n = graph.tensor(node.inputs[0]).shape.back();
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    double largest = y[row];
    for (std::uint64_t i = row; i < row + n; ++i) {
      largest = y[i] > largest ? y[i] : largest;
    }
    double sum = 0;
    for (std::uint64_t i = row; i < row + n; ++i) {
      sum += exact_exp(y[i] - largest);
    }
    const double log_sum = exact_log(sum);
    for (std::uint64_t i = row; i < row + n; ++i) {
      y[i] = y[i] - largest - log_sum;
    }
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& y = values[node.inputs[1]];
  const std::uint64_t n = graph.tensor(node.inputs[0]).shape.back();
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    double sum = 0;
    for (std::uint64_t i = row; i < row + n; ++i) {
      sum += dx[i];
    }
    for (std::uint64_t i = row; i < row + n; ++i) {
      dx[i] -= exact_exp(y[i]) * sum;
    }
  }
  values[node.outputs[0]] = std::move(dx);
}

}  // namespace

const OpRules kLogSoftmaxRules{infer, gradient, evaluate, no_macs};
const OpRules kLogSoftmaxGradRules{infer, nullptr, evaluate_grad, no_macs};

}  // namespace etude::ops
