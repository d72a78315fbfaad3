// SPDX-License-Identifier: Apache-2.0
// Gemm: Y = opA(A) opB(B) (+ bias, one row for all), attributes transA, transB.
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude {

GemmShape gemm_shape(const Graph& graph, const Node& node) {
  const Shape& a = graph.tensor(node.inputs[0]).shape;
  const Shape& b = graph.tensor(node.inputs[1]).shape;
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  return {a[trans_a ? 1 : 0], a[trans_a ? 0 : 1], b[trans_b ? 0 : 1]};
}

namespace ops {
namespace {

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 3);
  const Shape& a = graph.tensor(node.inputs[0]).shape;
  const Shape& b = graph.tensor(node.inputs[1]).shape;
  if (a.size() != 2 || b.size() != 2) {
    shape_error(graph, node, "both factors must be matrices");
  }
  const GemmShape shape = gemm_shape(graph, node);
  if (b[node.integer("transB") != 0 ? 1 : 0] != shape.n) {
    shape_error(graph, node, "the inner extents must be equal");
  }
  if (node.inputs.size() == 3 && graph.tensor(node.inputs[2]).shape != Shape{shape.k}) {
    shape_error(graph, node, "the bias must have one element per column");
  }
  Tensor& output = graph.tensor(node.outputs[0]);
  output.dtype = graph.tensor(node.inputs[0]).dtype;
  output.shape = {shape.m, shape.k};
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId a = node.inputs[0];
  const TensorId b = node.inputs[1];
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  const auto product = [&](TensorId left, bool trans_left, TensorId right, bool trans_right) {
    return Node{"",
                OpType::kGemm,
                Phase::kBackward,
                {left, right},
                {},
                {{"transA", std::int64_t{trans_left}}, {"transB", std::int64_t{trans_right}}}};
  };
  if (builder.wants(a)) {  // dA = dY opB(B)^T, or its transpose when A is stored transposed
    builder.contribute(a,
                       trans_a ? product(b, trans_b, dy, true) : product(dy, false, b, !trans_b));
  }
  if (builder.wants(b)) {
    builder.contribute(b,
                       trans_b ? product(dy, true, a, trans_a) : product(a, !trans_a, dy, false));
  }
  if (node.inputs.size() == 3 && builder.wants(node.inputs[2])) {
    builder.contribute(node.inputs[2],
                       Node{"", OpType::kReduceSum, Phase::kBackward, {dy}, {}, {}});
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const GemmShape shape = gemm_shape(graph, node);
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  const auto& a = values[node.inputs[0]];
  const auto& b = values[node.inputs[1]];
  std::vector<double> y(shape.m * shape.k, 0.0);
  if (node.inputs.size() == 3) {
    for (std::uint64_t i = 0; i < y.size(); ++i) {
      y[i] = values[node.inputs[2]][i % shape.k];
    }
  }
  for (std::uint64_t i = 0; i < shape.m; ++i) {
    for (std::uint64_t n = 0; n < shape.n; ++n) {
      const double left = a[trans_a ? n * shape.m + i : i * shape.n + n];
      for (std::uint64_t k = 0; k < shape.k; ++k) {
        y[i * shape.k + k] += left * b[trans_b ? k * shape.n + n : n * shape.k + k];
      }
    }
  }
  values[node.outputs[0]] = std::move(y);
}

std::uint64_t macs(const Graph& graph, const Node& node) {
  const GemmShape shape = gemm_shape(graph, node);
  return shape.m * shape.n * shape.k;
}

}  // namespace

const OpRules kGemmRules{"Gemm", infer, gradient, evaluate, macs};

}  // namespace ops
}  // namespace etude
