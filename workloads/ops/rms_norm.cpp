// SPDX-License-Identifier: Apache-2.0
// RmsNorm(x, gamma) over the last axis: y = x r gamma, r = 1 / sqrt(mean(x^2) + epsilon) (Zhang and
// Sennrich, arXiv 1910.07467). RmsNormGrad(dy, x, gamma): dx = r (g - x r^2 mean(g x)), g = dy
// gamma. RmsNormScaleGrad(dy, x) -> dgamma. Attribute epsilon.
#include <cmath>

#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

double inverse_root(const Node& node, const double* x, std::uint64_t n) {
  double sum = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    sum += x[i] * x[i];
  }
  return 1 /
         std::sqrt(sum / static_cast<double>(n) + static_cast<float>(node.real("epsilon", 1e-5)));
}

/// Which input x is.
std::size_t data_input(const Node& node) { return node.op == OpType::kRmsNorm ? 0 : 1; }

void infer(Graph& graph, const Node& node) {
  const std::size_t x = data_input(node);
  const bool scaled = node.op != OpType::kRmsNormScaleGrad;
  expect_arity(graph, node, x + 1 + scaled, x + 1 + scaled);
  const Tensor& data = graph.tensor(node.inputs[x]);
  if (data.shape.empty() || graph.tensor(node.inputs[0]).shape != data.shape ||
      (scaled && graph.tensor(node.inputs.back()).shape != Shape{data.shape.back()})) {
    shape_error(graph, node,
                "it normalises over the last axis, with one element of the scale per column");
  }
  const Shape shape = scaled ? data.shape : Shape{data.shape.back()};
  set_output(graph, node, 0, shape, data.dtype);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId x = node.inputs[0], gamma = node.inputs[1];
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  if (builder.wants(x)) {
    builder.contribute(
        x, Node{"", OpType::kRmsNormGrad, Phase::kBackward, {dy, x, gamma}, {}, node.attributes});
  }
  if (builder.wants(gamma)) {
    builder.contribute(
        gamma, Node{"", OpType::kRmsNormScaleGrad, Phase::kBackward, {dy, x}, {}, node.attributes});
  }
}

void evaluate(const Graph&, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  const auto& gamma = values[node.inputs[1]];
  const std::uint64_t n = gamma.size();
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    const double r = inverse_root(node, &y[row], n);
    for (std::uint64_t i = 0; i < n; ++i) {
      y[row + i] *= r * gamma[i];
    }
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph&, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const auto& gamma = values[node.inputs[2]];
  const std::uint64_t n = gamma.size();
  for (std::uint64_t row = 0; row < dx.size(); row += n) {
    const double r = inverse_root(node, &x[row], n);
    double along = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      dx[row + i] *= gamma[i];
      along += dx[row + i] * x[row + i];
    }
    along *= r * r / static_cast<double>(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      dx[row + i] = r * (dx[row + i] - x[row + i] * along);
    }
  }
  values[node.outputs[0]] = std::move(dx);
}

void evaluate_scale(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& dy = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const std::uint64_t n = graph.tensor(node.outputs[0]).shape[0];
  std::vector<double> dgamma(n, 0.0);
  for (std::uint64_t row = 0; row < dy.size(); row += n) {
    const double r = inverse_root(node, &x[row], n);
    for (std::uint64_t i = 0; i < n; ++i) {
      dgamma[i] += dy[row + i] * x[row + i] * r;
    }
  }
  values[node.outputs[0]] = std::move(dgamma);
}

}  // namespace

const OpRules kRmsNormRules{infer, gradient, evaluate, no_macs};
const OpRules kRmsNormGradRules{infer, nullptr, evaluate_grad, no_macs};
const OpRules kRmsNormScaleGradRules{infer, nullptr, evaluate_scale, no_macs};

}  // namespace etude::ops
