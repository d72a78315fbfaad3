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

/// Rows, reduction and columns of a Gemm node: Y[m,k] = opA(A)[m,n] opB(B)[n,k], `batch` times.
/// Leading extents of A over one matrix B (A not transposed) count as rows.
struct GemmShape {
  std::uint64_t m, n, k;
  std::uint64_t batch = 1;
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
extern const OpRules kSubRules;
extern const OpRules kMulRules;
extern const OpRules kDivRules;
extern const OpRules kScaleRules;
extern const OpRules kRelu6Rules;
extern const OpRules kRelu6GradRules;
extern const OpRules kGeluRules;
extern const OpRules kGeluGradRules;
extern const OpRules kExpandRules;
extern const OpRules kReshapeRules;
extern const OpRules kTransposeRules;
extern const OpRules kConvRules;
extern const OpRules kConvGradInputRules;
extern const OpRules kConvGradWeightRules;
extern const OpRules kMaxPoolRules;
extern const OpRules kMaxPoolGradRules;
extern const OpRules kAveragePoolRules;
extern const OpRules kAveragePoolGradRules;
extern const OpRules kLayerNormRules;
extern const OpRules kLayerNormGradRules;
extern const OpRules kLayerNormAffineGradRules;
extern const OpRules kBatchNormRules;
extern const OpRules kBatchNormGradRules;
extern const OpRules kBatchNormAffineGradRules;
extern const OpRules kBatchNormStatisticsRules;
extern const OpRules kSoftmaxRules;
extern const OpRules kSoftmaxGradRules;
extern const OpRules kSoftmaxCrossEntropyRules;
extern const OpRules kSoftmaxCrossEntropyGradRules;
extern const OpRules kMomentumRules;
extern const OpRules kAdamRules;

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
/// Sets shape and type of output number `index`.
void set_output(Graph& graph, const Node& node, std::size_t index, Shape shape, DType type);

}  // namespace ops
}  // namespace etude
