// SPDX-License-Identifier: Apache-2.0
// ReduceSum: attribute axes (without it the first axis), keepdims (without it 0).
// Expand: broadcasts to the attribute shape.
#include <algorithm>

#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

std::vector<bool> reduced(const Graph& graph, const Node& node) {
  const Shape& shape = graph.tensor(node.inputs[0]).shape;
  std::vector<bool> found(shape.size(), false);
  for (std::int64_t axis : node.integers("axes", {0})) {
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (axis < -rank || axis >= rank) {
      shape_error(graph, node, "axis " + std::to_string(axis) + " does not exist");
    }
    found[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = true;
  }
  return found;
}

/// The shape with 1 along the reduced axes.
Shape kept_shape(const Graph& graph, const Node& node) {
  Shape shape = graph.tensor(node.inputs[0]).shape;
  const auto gone = reduced(graph, node);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shape[i] = gone[i] ? 1 : shape[i];
  }
  return shape;
}

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Tensor& input = graph.tensor(node.inputs[0]);
  const auto gone = reduced(graph, node);
  Shape shape;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i] || node.integer("keepdims") != 0) {
      shape.push_back(gone[i] ? 1 : input.shape[i]);
    }
  }
  set_output(graph, node, 0, shape, input.dtype);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (!builder.wants(node.inputs[0])) {
    return;
  }
  const Shape& shape = builder.graph().tensor(node.inputs[0]).shape;
  const std::vector<std::int64_t> target(shape.begin(), shape.end());
  const TensorId dy = builder.emit(
      node.name + ".dy_kept",
      reshape_node(builder.gradient_of(node.outputs[0]), kept_shape(builder.graph(), node)));
  builder.contribute(node.inputs[0],
                     Node{"", OpType::kExpand, Phase::kBackward, {dy}, {}, {{"shape", target}}});
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  const auto targets =
      broadcast_offsets(kept_shape(graph, node), graph.tensor(node.inputs[0]).shape);
  std::vector<double> sum(graph.tensor(node.outputs[0]).elements(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum[targets[i]] += x[i];
  }
  values[node.outputs[0]] = std::move(sum);
}

void infer_expand(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const auto wanted = node.integers("shape");
  const Shape target(wanted.begin(), wanted.end());
  const auto shape = broadcast(graph.tensor(node.inputs[0]).shape, target);
  if (!shape) {
    shape_error(graph, node, "it cannot broadcast to " + to_string(target));
  }
  set_output(graph, node, 0, *shape, graph.tensor(node.inputs[0]).dtype);
}

void gradient_expand(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    contribute_summed(builder, node.inputs[0], builder.gradient_of(node.outputs[0]),
                      node.name + ".dx");
  }
}

void evaluate_expand(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  std::vector<double> y;
  for (std::uint64_t offset :
       broadcast_offsets(graph.tensor(node.inputs[0]).shape, graph.tensor(node.outputs[0]).shape)) {
    y.push_back(x[offset]);
  }
  values[node.outputs[0]] = std::move(y);
}

}  // namespace

const OpRules kReduceSumRules{infer, gradient, evaluate, no_macs};
const OpRules kExpandRules{infer_expand, gradient_expand, evaluate_expand, no_macs};

}  // namespace etude::ops
