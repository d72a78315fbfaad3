// SPDX-License-Identifier: Apache-2.0
// Sgd(w, gradient): w' = w - lr * gradient. Momentum(w, gradient, v): v' = momentum * v + gradient,
// w' = w - lr * v'. Adam(w, gradient, m, v): Kingma and Ba 2015 with the bias corrections of step
// number `step` (from 1). Results are stored in the place of w and of the state. Attributes lr,
// momentum, beta1, beta2, epsilon, step.
#include <cmath>

#include "workloads/ops/op_rules.h"

namespace etude::ops {
namespace {

void infer(Graph& graph, const Node& node) {
  const std::size_t state = node.op == OpType::kSgd ? 0 : node.op == OpType::kMomentum ? 1 : 2;
  if (node.inputs.size() != 2 + state || node.outputs.size() != 1 + state) {
    shape_error(graph, node, "it has " + std::to_string(2 + state) + " inputs");
  }
  const Tensor& w = graph.tensor(node.inputs[0]);
  for (TensorId input : node.inputs) {
    if (graph.tensor(input).shape != w.shape) {
      shape_error(graph, node, "their shapes must be equal");
    }
  }
  for (std::size_t i = 0; i <= state; ++i) {
    set_output(graph, node, i, w.shape, w.dtype);
  }
}

// The rates that the hardware knows are floats.
double rate(const Node& node, const char* key, double otherwise) {
  return static_cast<float>(node.real(key, otherwise));
}

void evaluate(const Graph&, const Node& node, TensorValues& values) {
  const double lr = rate(node, "lr", 0);
  auto w = values[node.inputs[0]];
  const auto& g = values[node.inputs[1]];
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] -= lr * g[i];
  }
  values[node.outputs[0]] = std::move(w);
}

void evaluate_momentum(const Graph&, const Node& node, TensorValues& values) {
  const double lr = rate(node, "lr", 0);
  const double momentum = rate(node, "momentum", 0);
  auto w = values[node.inputs[0]];
  const auto& g = values[node.inputs[1]];
  auto v = values[node.inputs[2]];
  for (std::size_t i = 0; i < w.size(); ++i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= lr * v[i];
  }
  values[node.outputs[0]] = std::move(w);
  values[node.outputs[1]] = std::move(v);
}

double power(double base, std::int64_t exponent) {
  double result = 1;
  for (std::int64_t i = 0; i < exponent; ++i) {
    result *= base;
  }
  return result;
}

void evaluate_adam(const Graph&, const Node& node, TensorValues& values) {
  const double lr = rate(node, "lr", 0);
  const double beta1 = rate(node, "beta1", 0.9);
  const double beta2 = rate(node, "beta2", 0.999);
  const double epsilon = rate(node, "epsilon", 1e-8);
  const double first = 1 - power(beta1, node.integer("step", 1));
  const double second = 1 - power(beta2, node.integer("step", 1));
  auto w = values[node.inputs[0]];
  const auto& g = values[node.inputs[1]];
  auto m = values[node.inputs[2]];
  auto v = values[node.inputs[3]];
  for (std::size_t i = 0; i < w.size(); ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
    w[i] -= lr * (m[i] / first) / (std::sqrt(v[i] / second) + epsilon);
  }
  values[node.outputs[0]] = std::move(w);
  values[node.outputs[1]] = std::move(m);
  values[node.outputs[2]] = std::move(v);
}

}  // namespace

const OpRules kSgdRules{infer, nullptr, evaluate, no_macs};
const OpRules kMomentumRules{infer, nullptr, evaluate_momentum, no_macs};
const OpRules kAdamRules{infer, nullptr, evaluate_adam, no_macs};

}  // namespace etude::ops
