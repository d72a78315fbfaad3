// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

class GradientBuilder;

/// Values of all tensors of a graph in float64, by tensor; empty where nothing is known yet.
using TensorValues = std::vector<std::vector<double>>;

/// Told of a place where a gradient jumps: the element of a tensor, and the value at which it does.
using KinkFound = std::function<void(TensorId tensor, std::size_t element, double at)>;

/// What the project knows of one operator: kXRules of the operator kX of operator_list.h.
struct OpRules {
  /// Sets shapes and types of the outputs. Errors: UserError naming node and shapes.
  void (*infer)(Graph& graph, const Node& node);
  /// Adds the nodes that carry the gradient of the outputs to the inputs; nullptr: not
  /// differentiable.
  void (*gradient)(GradientBuilder& builder, NodeId node);
  /// Computes the outputs in float64, every sum in ascending order of its index.
  void (*evaluate)(const Graph& graph, const Node& node, TensorValues& values);
  /// Multiply-accumulates of the algorithm (GEMM-like operators; 0 for the others).
  std::uint64_t (*macs)(const Graph& graph, const Node& node);
  /// Of a gradient that jumps where its inputs have certain values: tells of all of them, near or
  /// not. nullptr: there are none.
  void (*kinks)(const Graph& graph, const Node& node, const TensorValues& values,
                const KinkFound& found) = nullptr;
};

/// The rules of an operator.
const OpRules& rules_of(OpType type);

/// Rows, reduction and columns of a Gemm node: Y[m,k] = opA(A)[m,n] opB(B)[n,k], `batch` times.
/// Leading extents of A over one matrix B (A not transposed) count as rows.
struct GemmShape {
  std::uint64_t m, n, k;
  std::uint64_t batch = 1;
};
GemmShape gemm_shape(const Graph& graph, const Node& node);

namespace ops {

// One definition per operator, in the file of its family.
#define ETUDE_DECLARE_RULES(op, ...) extern const OpRules k##op##Rules;
ETUDE_OPERATORS(ETUDE_DECLARE_RULES)
#undef ETUDE_DECLARE_RULES

/// No multiply-accumulates.
std::uint64_t no_macs(const Graph& graph, const Node& node);
/// Throws the UserError of a node whose inputs do not fit it.
[[noreturn]] void shape_error(const Graph& graph, const Node& node, const std::string& wanted);
/// Checks the number of inputs and outputs.
void expect_arity(const Graph& graph, const Node& node, std::size_t least, std::size_t most);
/// All inputs have one shape; the output gets it too.
void infer_same_shape(Graph& graph, const Node& node);
/// The output gets the shape of input 0, whatever the other inputs are.
void infer_like_first(Graph& graph, const Node& node);
/// A Slice of `x` to `shape` (ops/move.cpp) as a node of the backward pass.
Node slice_node(TensorId x, std::vector<std::int64_t> starts, std::vector<std::int64_t> steps,
                const Shape& shape);
/// Sets shape and type of output number `index`.
void set_output(Graph& graph, const Node& node, std::size_t index, Shape shape, DType type);

}  // namespace ops
}  // namespace etude
