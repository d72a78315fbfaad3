// SPDX-License-Identifier: Apache-2.0
// Relu, ReluGrad (dx = dy where y > 0), Add, ReduceSum (over the rows of a matrix).
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void relu_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    // y > 0 exactly where x > 0, so that x need not be kept.
    builder.contribute(node.inputs[0], Node{"",
                                            OpType::kReluGrad,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.outputs[0]},
                                            {},
                                            {}});
  }
}

void relu_evaluate(const Graph&, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  for (double& v : y) {
    v = v > 0 ? v : 0;
  }
  values[node.outputs[0]] = std::move(y);
}

void relu_grad_evaluate(const Graph&, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& y = values[node.inputs[1]];
  for (std::size_t i = 0; i < dx.size(); ++i) {
    dx[i] = y[i] > 0 ? dx[i] : 0;
  }
  values[node.outputs[0]] = std::move(dx);
}

void add_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  for (TensorId input : node.inputs) {
    if (builder.wants(input)) {
      builder.pass(input, dy);
    }
  }
}

void add_evaluate(const Graph&, const Node& node, TensorValues& values) {
  auto sum = values[node.inputs[0]];
  for (std::size_t input = 1; input < node.inputs.size(); ++input) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += values[node.inputs[input]][i];
    }
  }
  values[node.outputs[0]] = std::move(sum);
}

void reduce_infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (input.shape.size() != 2) {
    shape_error(graph, node, "it sums over the rows of a matrix");
  }
  const Shape shape{input.shape[1]};
  graph.tensor(node.outputs[0]).dtype = input.dtype;
  graph.tensor(node.outputs[0]).shape = shape;
}

void reduce_evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const auto columns = graph.tensor(node.inputs[0]).shape[1];
  const auto& x = values[node.inputs[0]];
  std::vector<double> sum(columns, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum[i % columns] += x[i];
  }
  values[node.outputs[0]] = std::move(sum);
}

}  // namespace

const OpRules kReluRules{"Relu", infer_same_shape, relu_gradient, relu_evaluate, no_macs};
const OpRules kReluGradRules{"ReluGrad", infer_same_shape, nullptr, relu_grad_evaluate, no_macs};
const OpRules kAddRules{"Add", infer_same_shape, add_gradient, add_evaluate, no_macs};
const OpRules kReduceSumRules{"ReduceSum", reduce_infer, nullptr, reduce_evaluate, no_macs};

}  // namespace etude::ops
