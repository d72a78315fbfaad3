// SPDX-License-Identifier: Apache-2.0
// LayerNorm(x, gamma, beta) over the last axis: y = (x - mean) rstd gamma + beta, rstd = 1 /
// sqrt(variance + epsilon). LayerNormGrad(dy, x, gamma); LayerNormAffineGrad(dy, x) -> dgamma,
// dbeta. Attribute epsilon.
#include <cmath>

#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

std::uint64_t columns(const Graph& graph, TensorId x) { return graph.tensor(x).shape.back(); }

/// (x - mean) * rstd of one row; returns rstd.
double normalise(const double* x, std::uint64_t n, double epsilon, std::vector<double>& hat) {
  double mean = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    mean += x[i];
  }
  mean /= static_cast<double>(n);
  double variance = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    variance += (x[i] - mean) * (x[i] - mean);
  }
  const double rstd = 1 / std::sqrt(variance / static_cast<double>(n) + epsilon);
  hat.resize(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    hat[i] = (x[i] - mean) * rstd;
  }
  return rstd;
}

double epsilon_of(const Node& node) { return static_cast<float>(node.real("epsilon", 1e-5)); }

void expect_vectors(const Graph& graph, const Node& node, TensorId x, std::size_t first) {
  if (graph.tensor(x).shape.empty()) {
    shape_error(graph, node, "it normalises over the last axis");
  }
  for (std::size_t i = first; i < node.inputs.size(); ++i) {
    if (graph.tensor(node.inputs[i]).shape != Shape{columns(graph, x)}) {
      shape_error(graph, node, "scale and bias must have one element per column");
    }
  }
}

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 3);
  expect_vectors(graph, node, node.inputs[0], 1);
  infer_like_first(graph, node);
}

void infer_grad(Graph& graph, const Node& node) {
  expect_arity(graph, node, 3, 3);
  expect_vectors(graph, node, node.inputs[1], 2);
  if (graph.tensor(node.inputs[0]).shape != graph.tensor(node.inputs[1]).shape) {
    shape_error(graph, node, "gradient and input must have one shape");
  }
  infer_like_first(graph, node);
}

void infer_affine(Graph& graph, const Node& node) {
  if (node.inputs.size() != 2 || node.outputs.size() != 2 ||
      graph.tensor(node.inputs[0]).shape != graph.tensor(node.inputs[1]).shape ||
      graph.tensor(node.inputs[0]).shape.empty()) {
    shape_error(graph, node, "gradient and input must have one shape");
  }
  for (std::size_t i = 0; i < 2; ++i) {
    set_output(graph, node, i, {columns(graph, node.inputs[0])},
               graph.tensor(node.inputs[0]).dtype);
  }
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  const TensorId x = node.inputs[0];
  const TensorId gamma = node.inputs[1];
  if (builder.wants(x)) {
    builder.contribute(
        x, Node{"", OpType::kLayerNormGrad, Phase::kBackward, {dy, x, gamma}, {}, node.attributes});
  }
  const bool wants_beta = node.inputs.size() == 3 && builder.wants(node.inputs[2]);
  if (builder.wants(gamma) || wants_beta) {
    const std::string dgamma =
        builder.wants(gamma) ? builder.contribution_name(gamma) : node.name + ".dgamma";
    const std::string dbeta =
        wants_beta ? builder.contribution_name(node.inputs[2]) : node.name + ".dbeta";
    const NodeId made = builder.emit(Node{node.name + ".affine",
                                          OpType::kLayerNormAffineGrad,
                                          Phase::kBackward,
                                          {dy, x},
                                          {},
                                          node.attributes},
                                     {dgamma, dbeta});
    if (builder.wants(gamma)) {
      builder.pass(gamma, builder.graph().node(made).outputs[0]);
    }
    if (wants_beta) {
      builder.pass(node.inputs[2], builder.graph().node(made).outputs[1]);
    }
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  const auto& gamma = values[node.inputs[1]];
  const std::uint64_t n = gamma.size();
  std::vector<double> hat;
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    normalise(&y[row], n, epsilon_of(node), hat);
    for (std::uint64_t i = 0; i < n; ++i) {
      y[row + i] = hat[i] * gamma[i] + (node.inputs.size() == 3 ? values[node.inputs[2]][i] : 0);
    }
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph&, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const auto& gamma = values[node.inputs[2]];
  const std::uint64_t n = gamma.size();
  std::vector<double> hat;
  for (std::uint64_t row = 0; row < dx.size(); row += n) {
    const double rstd = normalise(&x[row], n, epsilon_of(node), hat);
    double mean = 0;
    double along = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      dx[row + i] *= gamma[i];
      mean += dx[row + i];
      along += dx[row + i] * hat[i];
    }
    mean /= static_cast<double>(n);
    along /= static_cast<double>(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      dx[row + i] = rstd * (dx[row + i] - mean - hat[i] * along);
    }
  }
  values[node.outputs[0]] = std::move(dx);
}

void evaluate_affine(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& dy = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const std::uint64_t n = columns(graph, node.inputs[0]);
  std::vector<double> dgamma(n, 0.0);
  std::vector<double> dbeta(n, 0.0);
  std::vector<double> hat;
  for (std::uint64_t row = 0; row < dy.size(); row += n) {
    normalise(&x[row], n, epsilon_of(node), hat);
    for (std::uint64_t i = 0; i < n; ++i) {
      dgamma[i] += dy[row + i] * hat[i];
      dbeta[i] += dy[row + i];
    }
  }
  values[node.outputs[0]] = std::move(dgamma);
  values[node.outputs[1]] = std::move(dbeta);
}

}  // namespace

const OpRules kLayerNormRules{infer, gradient, evaluate, no_macs};
const OpRules kLayerNormGradRules{infer_grad, nullptr, evaluate_grad, no_macs};
const OpRules kLayerNormAffineGradRules{infer_affine, nullptr, evaluate_affine, no_macs};

}  // namespace etude::ops
