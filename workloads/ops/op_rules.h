// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

class GradientBuilder;

/// Values of all tensors of a graph in float64, by tensor; empty where nothing is known yet.
using TensorValues = std::vector<std::vector<double>>;

/// What the project knows of one operator. A new operator family is one file that defines these and
/// one line in rules_of().
struct OpRules {
  const char* name;  ///< as in result.json and in exported graphs
  /// Sets shapes and types of the outputs. Errors: UserError naming node and shapes.
  void (*infer)(Graph& graph, const Node& node);
  /// Adds the nodes that carry the gradient of the outputs to the inputs; nullptr: not
  /// differentiable.
  void (*gradient)(GradientBuilder& builder, NodeId node);
  /// Computes the outputs in float64, every sum in ascending order of its index.
  void (*evaluate)(const Graph& graph, const Node& node, TensorValues& values);
  /// Multiply-accumulates of the algorithm (GEMM-like operators; 0 for the others).
  std::uint64_t (*macs)(const Graph& graph, const Node& node);
};

/// The rules of an operator.
const OpRules& rules_of(OpType type);

/// Rows, reduction and columns of a Gemm node: Y[m,k] = opA(A)[m,n] opB(B)[n,k].
struct GemmShape {
  std::uint64_t m, n, k;
};
GemmShape gemm_shape(const Graph& graph, const Node& node);

namespace ops {

// One definition per operator, in the file of its family.
extern const OpRules kGemmRules;
extern const OpRules kReluRules;
extern const OpRules kReluGradRules;
extern const OpRules kMseLossRules;
extern const OpRules kMseLossGradRules;
extern const OpRules kReduceSumRules;
extern const OpRules kAddRules;
extern const OpRules kSgdRules;

/// No multiply-accumulates.
std::uint64_t no_macs(const Graph& graph, const Node& node);
/// Throws the UserError of a node whose inputs do not fit it.
[[noreturn]] void shape_error(const Graph& graph, const Node& node, const std::string& wanted);
/// Checks the number of inputs and outputs.
void expect_arity(const Graph& graph, const Node& node, std::size_t least, std::size_t most);
/// All inputs have one shape; the output gets it too.
void infer_same_shape(Graph& graph, const Node& node);

}  // namespace ops
}  // namespace etude
