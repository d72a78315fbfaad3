// SPDX-License-Identifier: Apache-2.0
// Add, Sub, Mul, Div with broadcasting; Scale (y = factor * x).
#include <functional>

#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer_broadcast(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, node.op == OpType::kAdd ? 8 : 2);
  std::optional<Shape> shape = graph.tensor(node.inputs[0]).shape;
  for (TensorId input : node.inputs) {
    shape = broadcast(*shape, graph.tensor(input).shape);
    if (!shape) {
      shape_error(graph, node, "the extents must be equal or 1");
    }
  }
  set_output(graph, node, 0, *shape, graph.tensor(node.inputs[0]).dtype);
}

template <typename Operation>
void evaluate_binary(const Graph& graph, const Node& node, TensorValues& values) {
  const Shape& shape = graph.tensor(node.outputs[0]).shape;
  std::vector<double> result;
  for (std::size_t number = 0; number < node.inputs.size(); ++number) {
    const auto& input = values[node.inputs[number]];
    const auto offsets = broadcast_offsets(graph.tensor(node.inputs[number]).shape, shape);
    if (number == 0) {
      for (std::uint64_t offset : offsets) {
        result.push_back(input[offset]);
      }
      continue;
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = Operation{}(result[i], input[offsets[i]]);
    }
  }
  values[node.outputs[0]] = std::move(result);
}

Node binary(OpType type, TensorId a, TensorId b) {
  return Node{"", type, Phase::kBackward, {a, b}, {}, {}};
}

Node scaled(TensorId x, double factor) {
  return Node{"", OpType::kScale, Phase::kBackward, {x}, {}, {{"factor", factor}}};
}

void add_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (builder.wants(node.inputs[i])) {
      contribute_summed(builder, node.inputs[i], dy, node.name + ".d" + std::to_string(i));
    }
  }
}

void sub_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  if (builder.wants(node.inputs[0])) {
    contribute_summed(builder, node.inputs[0], dy, node.name + ".d0");
  }
  if (builder.wants(node.inputs[1])) {
    const TensorId negative = builder.emit(node.name + ".d1.negative", scaled(dy, -1));
    contribute_summed(builder, node.inputs[1], negative, node.name + ".d1");
  }
}

void mul_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  for (std::size_t i = 0; i < 2; ++i) {
    if (builder.wants(node.inputs[i])) {
      const std::string name = node.name + ".d" + std::to_string(i);
      contribute_summed(
          builder, node.inputs[i],
          builder.emit(name + ".product", binary(OpType::kMul, dy, node.inputs[1 - i])), name);
    }
  }
}

void div_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  const TensorId quotient =
      builder.emit(node.name + ".dy_over_b", binary(OpType::kDiv, dy, node.inputs[1]));
  if (builder.wants(node.inputs[0])) {
    contribute_summed(builder, node.inputs[0], quotient, node.name + ".d0");
  }
  if (builder.wants(node.inputs[1])) {  // db = -dy / b * y
    const TensorId product =
        builder.emit(node.name + ".d1.product", binary(OpType::kMul, quotient, node.outputs[0]));
    const TensorId negative = builder.emit(node.name + ".d1.negative", scaled(product, -1));
    contribute_summed(builder, node.inputs[1], negative, node.name + ".d1");
  }
}

void scale_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0],
                       scaled(builder.gradient_of(node.outputs[0]), node.real("factor", 1)));
  }
}

void scale_evaluate(const Graph&, const Node& node, TensorValues& values) {
  // The factor that the hardware knows is a float.
  const double factor = static_cast<float>(node.real("factor", 1));
  auto y = values[node.inputs[0]];
  for (double& v : y) {
    v *= factor;
  }
  values[node.outputs[0]] = std::move(y);
}

}  // namespace

const OpRules kAddRules{infer_broadcast, add_gradient, evaluate_binary<std::plus<>>, no_macs};
const OpRules kSubRules{infer_broadcast, sub_gradient, evaluate_binary<std::minus<>>, no_macs};
const OpRules kMulRules{infer_broadcast, mul_gradient, evaluate_binary<std::multiplies<>>, no_macs};
const OpRules kDivRules{infer_broadcast, div_gradient, evaluate_binary<std::divides<>>, no_macs};
const OpRules kScaleRules{infer_same_shape, scale_gradient, scale_evaluate, no_macs};

}  // namespace etude::ops
