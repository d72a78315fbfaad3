// SPDX-License-Identifier: Apache-2.0
// Gather(table [rows, ...], indices): row indices[i] of the table for each index, an embedding.
// GatherGrad(dy, indices): attribute rows; row r is the sum of the dy whose index is r, in
// ascending order of the indices.
#include "models/base/error.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void expect_indices(const Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  if (graph.tensor(node.inputs[1]).dtype != DType::kInt32) {
    shape_error(graph, node, "the second one must be integers");
  }
}

void infer(Graph& graph, const Node& node) {
  expect_indices(graph, node);
  const Tensor& table = graph.tensor(node.inputs[0]);
  if (table.shape.empty()) {
    shape_error(graph, node, "the table needs an axis");
  }
  Shape shape = graph.tensor(node.inputs[1]).shape;
  shape.insert(shape.end(), table.shape.begin() + 1, table.shape.end());
  set_output(graph, node, 0, shape, table.dtype);
}

void infer_grad(Graph& graph, const Node& node) {
  expect_indices(graph, node);
  const Shape& dy = graph.tensor(node.inputs[0]).shape;
  const Shape& indices = graph.tensor(node.inputs[1]).shape;
  const std::int64_t rows = node.integer("rows");
  if (dy.size() < indices.size() || rows < 1 ||
      !std::equal(indices.begin(), indices.end(), dy.begin())) {
    shape_error(graph, node, "the gradient has a row per index");
  }
  Shape shape{static_cast<std::uint64_t>(rows)};
  shape.insert(shape.end(), dy.begin() + static_cast<std::ptrdiff_t>(indices.size()), dy.end());
  set_output(graph, node, 0, shape, graph.tensor(node.inputs[0]).dtype);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    const auto rows = static_cast<std::int64_t>(builder.graph().tensor(node.inputs[0]).shape[0]);
    builder.contribute(node.inputs[0], Node{"",
                                            OpType::kGatherGrad,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.inputs[1]},
                                            {},
                                            {{"rows", rows}}});
  }
}

/// Index number `i`. Errors: UserError where it is none of the rows.
std::uint64_t row_at(const Node& node, const std::vector<double>& indices, std::size_t i,
                     std::uint64_t rows) {
  const double index = indices[i];
  if (!(index >= 0 && index < static_cast<double>(rows)) ||
      index != static_cast<double>(static_cast<std::uint64_t>(index))) {
    throw UserError("node '" + node.name + "'",
                    "index number " + std::to_string(i) + " is " + std::to_string(index),
                    "indices are integers from 0 to " + std::to_string(rows - 1));
  }
  return static_cast<std::uint64_t>(index);
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& table = values[node.inputs[0]];
  const auto& indices = values[node.inputs[1]];
  const std::uint64_t rows = graph.tensor(node.inputs[0]).shape[0];
  const auto cols = static_cast<std::ptrdiff_t>(table.size() / rows);
  std::vector<double> y;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto row =
        table.begin() + static_cast<std::ptrdiff_t>(row_at(node, indices, i, rows)) * cols;
    y.insert(y.end(), row, row + cols);
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& dy = values[node.inputs[0]];
  const auto& indices = values[node.inputs[1]];
  const Tensor& result = graph.tensor(node.outputs[0]);
  const std::size_t cols = result.elements() / result.shape[0];
  std::vector<double> sum(result.elements(), 0.0);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    double* row = &sum[row_at(node, indices, i, result.shape[0]) * cols];
    for (std::size_t c = 0; c < cols; ++c) {
      row[c] += dy[i * cols + c];
    }
  }
  values[node.outputs[0]] = std::move(sum);
}

}  // namespace

const OpRules kGatherRules{infer, gradient, evaluate, no_macs};
const OpRules kGatherGradRules{infer_grad, nullptr, evaluate_grad, no_macs};

}  // namespace etude::ops
