// SPDX-License-Identifier: Apache-2.0
// Max and Min of two tensors, with broadcasting. Where both are equal each has half the gradient,
// as torch.maximum has it; NaN passes on.
#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  const Tensor& a = graph.tensor(node.inputs[0]);
  const auto shape = broadcast(a.shape, graph.tensor(node.inputs[1]).shape);
  if (!shape) {
    shape_error(graph, node, "the extents must be equal or 1");
  }
  set_output(graph, node, 0, *shape, a.dtype);
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const Shape& shape = graph.tensor(node.outputs[0]).shape;
  const auto& a = values[node.inputs[0]];
  const auto& b = values[node.inputs[1]];
  const auto of_a = broadcast_offsets(graph.tensor(node.inputs[0]).shape, shape);
  const auto of_b = broadcast_offsets(graph.tensor(node.inputs[1]).shape, shape);
  const double sign = node.op == OpType::kMax ? 1 : -1;
  std::vector<double> y(of_a.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double u = a[of_a[i]];
    const double v = b[of_b[i]];
    y[i] = sign * u >= sign * v || u != u ? u : v;
  }
  values[node.outputs[0]] = std::move(y);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  for (std::size_t i = 0; i < 2; ++i) {
    if (builder.wants(node.inputs[i])) {
      const std::size_t larger = node.op == OpType::kMax ? i : 1 - i;
      const std::string name = node.name + ".d" + std::to_string(i);
      const TensorId share =
          builder.emit(name + ".share", Node{"",
                                             OpType::kMaxGrad,
                                             Phase::kBackward,
                                             {dy, node.inputs[larger], node.inputs[1 - larger]},
                                             {},
                                             {}});
      contribute_summed(builder, node.inputs[i], share, name);
    }
  }
}

void infer_grad(Graph& graph, const Node& node) {
  expect_arity(graph, node, 3, 3);
  const Tensor& dy = graph.tensor(node.inputs[0]);
  const auto shape =
      broadcast(graph.tensor(node.inputs[1]).shape, graph.tensor(node.inputs[2]).shape);
  if (shape != dy.shape) {
    shape_error(graph, node, "the first has the shape that the others broadcast to");
  }
  set_output(graph, node, 0, dy.shape, dy.dtype);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  const Shape& shape = graph.tensor(node.outputs[0]).shape;
  const auto& a = values[node.inputs[1]];
  const auto& b = values[node.inputs[2]];
  const auto of_a = broadcast_offsets(graph.tensor(node.inputs[1]).shape, shape);
  const auto of_b = broadcast_offsets(graph.tensor(node.inputs[2]).shape, shape);
  auto dx = values[node.inputs[0]];
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const double u = a[of_a[i]];
    const double v = b[of_b[i]];
    dx[i] = u < v ? 0 : u == v ? dx[i] / 2 : dx[i];
  }
  values[node.outputs[0]] = std::move(dx);
}

void kinks(const Graph& graph, const Node& node, const TensorValues& values,
           const KinkFound& found) {
  const Shape& shape = graph.tensor(node.outputs[0]).shape;
  const auto of_a = broadcast_offsets(graph.tensor(node.inputs[1]).shape, shape);
  const auto of_b = broadcast_offsets(graph.tensor(node.inputs[2]).shape, shape);
  // Of the two that are equal, one that is computed: the other may be given.
  const bool first = graph.producer(node.inputs[1]).has_value();
  const TensorId moved = node.inputs[first ? 1 : 2];
  const std::vector<double>& other = values[node.inputs[first ? 2 : 1]];
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    found(moved, first ? of_a[i] : of_b[i], other[first ? of_b[i] : of_a[i]]);
  }
}

}  // namespace

const OpRules kMaxRules{infer, gradient, evaluate, no_macs};
const OpRules kMinRules{infer, gradient, evaluate, no_macs};
const OpRules kMaxGradRules{infer_grad, nullptr, evaluate_grad, no_macs, kinks};

}  // namespace etude::ops
