// SPDX-License-Identifier: Apache-2.0
// Operators that move elements and compute nothing. Along each axis d, element i of a small tensor
// and element starts[d] + steps[d] * i of a large one belong together (steps may be negative):
// Slice(x): attributes starts, steps, shape: the small tensor out of the large one.
// Pad(x): attributes starts, steps, shape, value: the large tensor around the small one, `value`
// wherever nothing belongs. Each is the other's gradient.
// Concat(x...): attribute axis; tensors one behind the other along it.
#include "models/base/error.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

using Integers = std::vector<std::int64_t>;

/// Refuses attributes that do not lay all of `part` inside `whole`.
void check_places(const Graph& graph, const Node& node, const Shape& part, const Shape& whole) {
  const Integers starts = node.integers("starts");
  const Integers steps = node.integers("steps");
  if (part.size() != whole.size() || starts.size() != whole.size() ||
      steps.size() != whole.size()) {
    shape_error(graph, node, "starts, steps and shape have one number per axis");
  }
  for (std::size_t d = 0; d < whole.size(); ++d) {
    const auto extent = static_cast<std::int64_t>(whole[d]);
    const std::int64_t last = starts[d] + steps[d] * (static_cast<std::int64_t>(part[d]) - 1);
    if (part[d] == 0 || part[d] > whole[d] || steps[d] == 0 || starts[d] < 0 ||
        starts[d] >= extent || last < 0 || last >= extent) {
      shape_error(graph, node,
                  "axis " + std::to_string(d) + " of " + to_string(part) + " from " +
                      std::to_string(starts[d]) + " in steps of " + std::to_string(steps[d]) +
                      " must lie inside " + to_string(whole));
    }
  }
}

Shape wanted_shape(const Node& node) {
  const Integers shape = node.integers("shape");
  return {shape.begin(), shape.end()};
}

void infer_slice(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Shape shape = wanted_shape(node);
  check_places(graph, node, shape, graph.tensor(node.inputs[0]).shape);
  set_output(graph, node, 0, shape, graph.tensor(node.inputs[0]).dtype);
}

void infer_pad(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Shape shape = wanted_shape(node);
  check_places(graph, node, graph.tensor(node.inputs[0]).shape, shape);
  set_output(graph, node, 0, shape, graph.tensor(node.inputs[0]).dtype);
}

/// Where in the large tensor each element of the small one belongs, in its order.
std::vector<std::uint64_t> places(const Node& node, const Shape& part, const Shape& whole) {
  const Integers starts = node.integers("starts");
  const Integers steps = node.integers("steps");
  std::vector<std::uint64_t> found{0};
  for (std::size_t d = 0; d < whole.size(); ++d) {
    std::vector<std::uint64_t> next;
    next.reserve(found.size() * part[d]);
    for (const std::uint64_t before : found) {
      for (std::uint64_t i = 0; i < part[d]; ++i) {
        const std::int64_t at = starts[d] + steps[d] * static_cast<std::int64_t>(i);
        next.push_back(before * whole[d] + static_cast<std::uint64_t>(at));
      }
    }
    found = std::move(next);
  }
  return found;
}

void evaluate_slice(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  std::vector<double> y;
  for (const std::uint64_t place :
       places(node, graph.tensor(node.outputs[0]).shape, graph.tensor(node.inputs[0]).shape)) {
    y.push_back(x[place]);
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_pad(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  const Tensor& result = graph.tensor(node.outputs[0]);
  std::vector<double> y(result.elements(), static_cast<float>(node.real("value", 0)));
  const auto at = places(node, graph.tensor(node.inputs[0]).shape, result.shape);
  for (std::size_t i = 0; i < at.size(); ++i) {
    y[at[i]] = x[i];
  }
  values[node.outputs[0]] = std::move(y);
}

void gradient_slice(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.place(node.inputs[0], builder.gradient_of(node.outputs[0]), node.integers("starts"),
                  node.integers("steps"));
  }
}

void gradient_pad(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], slice_node(builder.gradient_of(node.outputs[0]),
                                                  node.integers("starts"), node.integers("steps"),
                                                  builder.graph().tensor(node.inputs[0]).shape));
  }
}

std::size_t axis_of(const Graph& graph, const Node& node) {
  const std::int64_t axis = node.integer("axis");
  const auto rank = static_cast<std::int64_t>(graph.tensor(node.inputs.at(0)).shape.size());
  if (axis < 0 || axis >= rank) {
    shape_error(graph, node, "axis " + std::to_string(axis) + " does not exist");
  }
  return static_cast<std::size_t>(axis);
}

void infer_concat(Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.outputs.size() != 1) {
    shape_error(graph, node, "it has inputs and one output");
  }
  const std::size_t axis = axis_of(graph, node);
  const Tensor& first = graph.tensor(node.inputs[0]);
  Shape shape = first.shape;
  shape[axis] = 0;
  for (const TensorId input : node.inputs) {
    const Tensor& part = graph.tensor(input);
    Shape same = part.shape;
    if (same.size() == shape.size()) {
      same[axis] = first.shape[axis];
    }
    if (same != first.shape || part.dtype != first.dtype) {
      shape_error(graph, node, "they may differ in axis " + std::to_string(axis) + " alone");
    }
    shape[axis] += part.shape[axis];
  }
  set_output(graph, node, 0, shape, first.dtype);
}

void gradient_concat(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const std::size_t axis = axis_of(builder.graph(), node);
  Integers starts(builder.graph().tensor(node.outputs[0]).shape.size(), 0);
  const Integers steps(starts.size(), 1);
  for (const TensorId input : node.inputs) {
    const Shape shape = builder.graph().tensor(input).shape;
    if (builder.wants(input)) {
      builder.contribute(input,
                         slice_node(builder.gradient_of(node.outputs[0]), starts, steps, shape));
    }
    starts[axis] += static_cast<std::int64_t>(shape[axis]);
  }
}

void evaluate_concat(const Graph& graph, const Node& node, TensorValues& values) {
  const std::size_t axis = axis_of(graph, node);
  const Shape& shape = graph.tensor(node.outputs[0]).shape;
  std::uint64_t outer = 1, inner = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    (d < axis ? outer : inner) *= d == axis ? 1 : shape[d];
  }
  std::vector<double> y;
  for (std::uint64_t i = 0; i < outer; ++i) {
    for (const TensorId input : node.inputs) {
      const auto row = static_cast<std::ptrdiff_t>(graph.tensor(input).shape[axis] * inner);
      const auto from = values[input].begin() + static_cast<std::ptrdiff_t>(i) * row;
      y.insert(y.end(), from, from + row);
    }
  }
  values[node.outputs[0]] = std::move(y);
}

}  // namespace

Node slice_node(TensorId x, std::vector<std::int64_t> starts, std::vector<std::int64_t> steps,
                const Shape& shape) {
  return {"",
          OpType::kSlice,
          Phase::kBackward,
          {x},
          {},
          {{"starts", std::move(starts)},
           {"steps", std::move(steps)},
           {"shape", Integers(shape.begin(), shape.end())}}};
}

const OpRules kSliceRules{infer_slice, gradient_slice, evaluate_slice, no_macs};
const OpRules kPadRules{infer_pad, gradient_pad, evaluate_pad, no_macs};
const OpRules kConcatRules{infer_concat, gradient_concat, evaluate_concat, no_macs};

}  // namespace etude::ops
