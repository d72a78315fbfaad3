// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/op_rules.h"

#include "models/base/error.h"

namespace etude {

const OpRules& rules_of(OpType type) {
  switch (type) {
#define ETUDE_RULES_CASE(op, ...) \
  case OpType::k##op:             \
    return ops::k##op##Rules;
    ETUDE_OPERATORS(ETUDE_RULES_CASE)
#undef ETUDE_RULES_CASE
  }
  throw std::logic_error("operator without rules");
}

namespace ops {

std::uint64_t no_macs(const Graph&, const Node&) { return 0; }

void shape_error(const Graph& graph, const Node& node, const std::string& wanted) {
  std::string shapes;
  for (TensorId input : node.inputs) {
    shapes += (shapes.empty() ? "" : ", ") + graph.tensor(input).name + " " +
              to_string(graph.tensor(input).shape);
  }
  throw UserError("node '" + node.name + "' (" + name_of(node.op) + ")", "inputs are " + shapes,
                  wanted);
}

void expect_arity(const Graph& graph, const Node& node, std::size_t least, std::size_t most) {
  if (node.inputs.size() < least || node.inputs.size() > most || node.outputs.size() != 1) {
    shape_error(graph, node,
                "allowed are " + std::to_string(least) + " to " + std::to_string(most) +
                    " inputs and one output");
  }
}

void infer_same_shape(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 4);
  const Shape shape = graph.tensor(node.inputs[0]).shape;
  for (TensorId input : node.inputs) {
    if (graph.tensor(input).shape != shape) {
      shape_error(graph, node, "their shapes must be equal");
    }
  }
  graph.tensor(node.outputs[0]).shape = shape;
  graph.tensor(node.outputs[0]).dtype = graph.tensor(node.inputs[0]).dtype;
}

void infer_like_first(Graph& graph, const Node& node) {
  const Tensor& first = graph.tensor(node.inputs.at(0));
  set_output(graph, node, 0, first.shape, first.dtype);
}

void set_output(Graph& graph, const Node& node, std::size_t index, Shape shape, DType type) {
  Tensor& output = graph.tensor(node.outputs.at(index));
  output.shape = std::move(shape);
  output.dtype = type;
}

}  // namespace ops
}  // namespace etude
