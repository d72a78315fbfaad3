// SPDX-License-Identifier: Apache-2.0
// Gelu and GeluGrad(dy, x). Attribute approximate: "none" (x Phi(x), by erf), "tanh" (Hendrycks and
// Gimpel's approximation) or "sigmoid" (x sigmoid(1.702 x)).
#include "workloads/ops/exact_math.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
constexpr double kInvSqrtTwoPi = 0x1.9884533d43651p-2;
constexpr double kSqrtTwoOverPi = 0x1.9884533d43651p-1;
constexpr double kCubic = 0.044715;
constexpr double kSteepness = 1.702;

enum class Form { kErf, kTanh, kSigmoid };

Form form_of(const Graph& graph, const Node& node) {
  const std::string name = node.text("approximate", "none");
  if (name == "none") {
    return Form::kErf;
  }
  if (name == "tanh") {
    return Form::kTanh;
  }
  if (name == "sigmoid") {
    return Form::kSigmoid;
  }
  shape_error(graph, node, "attribute approximate is none, tanh or sigmoid");
}

double gelu(Form form, double x) {
  switch (form) {
    case Form::kErf:
      return 0.5 * x * (1 + exact_erf(x * kSqrtHalf));
    case Form::kTanh:
      return 0.5 * x * (1 + exact_tanh(kSqrtTwoOverPi * (x + kCubic * x * x * x)));
    case Form::kSigmoid:
      return x / (1 + exact_exp(-kSteepness * x));
  }
  return 0;
}

double slope(Form form, double x) {
  switch (form) {
    case Form::kErf:
      return 0.5 * (1 + exact_erf(x * kSqrtHalf)) + x * kInvSqrtTwoPi * exact_exp(-0.5 * x * x);
    case Form::kTanh: {
      const double t = exact_tanh(kSqrtTwoOverPi * (x + kCubic * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kSqrtTwoOverPi * (1 + 3 * kCubic * x * x);
    }
    case Form::kSigmoid: {
      const double s = 1 / (1 + exact_exp(-kSteepness * x));
      return s + x * kSteepness * s * (1 - s);
    }
  }
  return 0;
}

void infer(Graph& graph, const Node& node) {
  infer_same_shape(graph, node);
  form_of(graph, node);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], Node{"",
                                            OpType::kGeluGrad,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.inputs[0]},
                                            {},
                                            node.attributes});
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  const Form form = form_of(graph, node);
  for (double& v : y) {
    v = gelu(form, v);
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const Form form = form_of(graph, node);
  for (std::size_t i = 0; i < dx.size(); ++i) {
    dx[i] *= slope(form, x[i]);
  }
  values[node.outputs[0]] = std::move(dx);
}

}  // namespace

const OpRules kGeluRules{infer, gradient, evaluate, no_macs};
const OpRules kGeluGradRules{infer, nullptr, evaluate_grad, no_macs};

}  // namespace etude::ops
