// SPDX-License-Identifier: Apache-2.0
// Functions of one element whose gradient needs only the result y, so that x need not be kept:
// Relu (dx = dy where y > 0), Relu6 (dx = dy where 0 < y < 6), Sigmoid
// (dx = dy y (1 - y)), Tanh (dx = dy (1 - y^2)).
#include "workloads/ops/exact_math.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer_function(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  infer_same_shape(graph, node);
}

template <double (*f)(double x)>
void evaluate_function(const Graph&, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  for (double& each : y) {
    each = f(each);
  }
  values[node.outputs[0]] = std::move(y);
}

template <OpType slope>
void add_slope(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], Node{"",
                                            slope,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.outputs[0]},
                                            {},
                                            {}});
  }
}

void infer_slope(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  infer_same_shape(graph, node);
}

template <double (*dx)(double dy, double y)>
void evaluate_slope(const Graph&, const Node& node, TensorValues& values) {
  auto result = values[node.inputs[0]];
  const auto& y = values[node.inputs[1]];
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = dx(result[i], y[i]);
  }
  values[node.outputs[0]] = std::move(result);
}

template <OpType slope, double (*f)(double x)>
constexpr OpRules kFunction{infer_function, add_slope<slope>, evaluate_function<f>, no_macs};
template <double (*dx)(double dy, double y)>
constexpr OpRules kSlope{infer_slope, nullptr, evaluate_slope<dx>, no_macs};

double relu(double x) { return x > 0 ? x : 0; }
// ONNX files may have x in the place of y: both are positive at the same places.
double relu_slope(double dy, double y) { return y > 0 ? dy : 0; }

double relu6(double x) { return x > 6 ? 6 : relu(x); }
double relu6_slope(double dy, double y) { return y > 0 && y < 6 ? dy : 0; }

double sigmoid(double x) {
  const double e = exact_exp(x > 0 ? -x : x);
  return (x > 0 ? 1 : e) / (1 + e);
}
double sigmoid_slope(double dy, double y) { return dy * y * (1 - y); }

double tanh_slope(double dy, double y) { return dy * (1 - y * y); }

}  // namespace

const OpRules kReluRules = kFunction<OpType::kReluGrad, relu>;
const OpRules kReluGradRules = kSlope<relu_slope>;
const OpRules kRelu6Rules = kFunction<OpType::kRelu6Grad, relu6>;
const OpRules kRelu6GradRules = kSlope<relu6_slope>;
const OpRules kSigmoidRules = kFunction<OpType::kSigmoidGrad, sigmoid>;
const OpRules kSigmoidGradRules = kSlope<sigmoid_slope>;
const OpRules kTanhRules = kFunction<OpType::kTanhGrad, exact_tanh>;
const OpRules kTanhGradRules = kSlope<tanh_slope>;

}  // namespace etude::ops
