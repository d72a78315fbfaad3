// SPDX-License-Identifier: Apache-2.0
// Gemm: Y = opA(A) opB(B) (+ bias that broadcasts to Y), attributes transA, transB. Factors of more
// than two extents are stacks of matrices whose leading extents broadcast.
#include <algorithm>
#include <numeric>

#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude {
namespace {

Shape leading(const Shape& shape) { return {shape.begin(), shape.end() - 2}; }

std::uint64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

}  // namespace

GemmShape gemm_shape(const Graph& graph, const Node& node) {
  const Shape& a = graph.tensor(node.inputs[0]).shape;
  const Shape& b = graph.tensor(node.inputs[1]).shape;
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  GemmShape shape{a[a.size() - (trans_a ? 1 : 2)], a[a.size() - (trans_a ? 2 : 1)],
                  b[b.size() - (trans_b ? 2 : 1)]};
  const auto stacks = ops::broadcast(leading(a), leading(b));
  shape.batch = stacks ? product(*stacks) : 1;
  if (!trans_a && product(leading(b)) == 1) {
    shape.m *= shape.batch;
    shape.batch = 1;
  }
  return shape;
}

namespace ops {
namespace {

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 3);
  const Shape& a = graph.tensor(node.inputs[0]).shape;
  const Shape& b = graph.tensor(node.inputs[1]).shape;
  if (a.size() < 2 || b.size() < 2) {
    shape_error(graph, node, "both factors must be matrices or stacks of matrices");
  }
  const GemmShape shape = gemm_shape(graph, node);
  if (b[b.size() - (node.integer("transB") != 0 ? 1 : 2)] != shape.n) {
    shape_error(graph, node, "the inner extents must be equal");
  }
  auto result = broadcast(leading(a), leading(b));
  if (!result) {
    shape_error(graph, node, "the leading extents must be equal or 1");
  }
  result->push_back(a[a.size() - (node.integer("transA") != 0 ? 1 : 2)]);
  result->push_back(shape.k);
  if (node.inputs.size() == 3 && broadcast(graph.tensor(node.inputs[2]).shape, *result) != result) {
    shape_error(graph, node, "the bias must broadcast to the result " + to_string(*result));
  }
  set_output(graph, node, 0, *result, graph.tensor(node.inputs[0]).dtype);
}

Node gemm(TensorId left, bool trans_left, TensorId right, bool trans_right) {
  return Node{"",
              OpType::kGemm,
              Phase::kBackward,
              {left, right},
              {},
              {{"transA", std::int64_t{trans_left}}, {"transB", std::int64_t{trans_right}}}};
}

/// Contributes a product to the gradient of `factor`, summed over what `factor` was broadcast to.
void contribute_product(GradientBuilder& builder, TensorId factor, const Shape& stacks, Node made,
                        const std::string& name) {
  if (leading(builder.graph().tensor(factor).shape) == stacks) {
    builder.contribute(factor, std::move(made));
  } else {
    contribute_summed(builder, factor, builder.emit(name + ".stack", std::move(made)), name);
  }
}

void weight_gradient(GradientBuilder& builder, const Node& node, TensorId dy) {
  const TensorId a = node.inputs[0];
  const TensorId b = node.inputs[1];
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  const Shape a_shape = builder.graph().tensor(a).shape;
  const Shape b_shape = builder.graph().tensor(b).shape;
  const Shape stacks = leading(builder.graph().tensor(dy).shape);
  const auto from = [&](TensorId left, TensorId right) {
    return trans_b ? gemm(right, true, left, trans_a) : gemm(left, !trans_a, right, false);
  };
  if (trans_a || stacks.empty() || product(leading(b_shape)) != 1) {
    contribute_product(builder, b, stacks, from(a, dy), node.name + ".dw");
    return;
  }
  // One matrix for all stacks: their rows are the rows of one product.
  const GemmShape shape = gemm_shape(builder.graph(), node);
  if (product(a_shape) != shape.m * shape.n) {  // B has more leading extents than A
    contribute_product(builder, b, stacks, from(a, dy), node.name + ".dw");
    return;
  }
  const TensorId rows_a = builder.emit(node.name + ".rows", reshape_node(a, {shape.m, shape.n}));
  const TensorId rows_dy =
      builder.emit(node.name + ".dy_rows", reshape_node(dy, {shape.m, shape.k}));
  if (b_shape.size() == 2) {
    builder.contribute(b, from(rows_a, rows_dy));
  } else {
    builder.contribute(
        b, reshape_node(builder.emit(node.name + ".dw", from(rows_a, rows_dy)), b_shape));
  }
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId a = node.inputs[0];
  const TensorId b = node.inputs[1];
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  const Shape dy_shape = builder.graph().tensor(dy).shape;
  if (builder.wants(a)) {  // dA = dY opB(B)^T, or its transpose when A is stored transposed
    contribute_product(builder, a, leading(dy_shape),
                       trans_a ? gemm(b, trans_b, dy, true) : gemm(dy, false, b, !trans_b),
                       node.name + ".dx");
  }
  if (builder.wants(b)) {
    weight_gradient(builder, node, dy);
  }
  if (node.inputs.size() == 3 && builder.wants(node.inputs[2])) {
    if (dy_shape.size() == 2 &&
        builder.graph().tensor(node.inputs[2]).shape == Shape{dy_shape.back()}) {
      builder.contribute(node.inputs[2],
                         Node{"", OpType::kReduceSum, Phase::kBackward, {dy}, {}, {}});
    } else {
      contribute_summed(builder, node.inputs[2], dy, node.name + ".db");
    }
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const Shape& result = graph.tensor(node.outputs[0]).shape;
  const Shape stacks = leading(result);
  const std::uint64_t rows = result[result.size() - 2];
  const GemmShape shape = gemm_shape(graph, node);
  const bool trans_a = node.integer("transA") != 0;
  const bool trans_b = node.integer("transB") != 0;
  const auto a_stacks = broadcast_offsets(leading(graph.tensor(node.inputs[0]).shape), stacks);
  const auto b_stacks = broadcast_offsets(leading(graph.tensor(node.inputs[1]).shape), stacks);
  std::vector<double> y(product(result), 0.0);
  if (node.inputs.size() == 3) {
    const auto& bias = values[node.inputs[2]];
    const auto offsets = broadcast_offsets(graph.tensor(node.inputs[2]).shape, result);
    for (std::uint64_t i = 0; i < y.size(); ++i) {
      y[i] = bias[offsets[i]];
    }
  }
  for (std::uint64_t stack = 0; stack < a_stacks.size(); ++stack) {
    const double* a = values[node.inputs[0]].data() + a_stacks[stack] * rows * shape.n;
    const double* b = values[node.inputs[1]].data() + b_stacks[stack] * shape.n * shape.k;
    for (std::uint64_t i = 0; i < rows; ++i) {
      double* row = y.data() + (stack * rows + i) * shape.k;
      for (std::uint64_t n = 0; n < shape.n; ++n) {
        const double left = a[trans_a ? n * rows + i : i * shape.n + n];
        for (std::uint64_t k = 0; k < shape.k; ++k) {
          row[k] += left * b[trans_b ? k * shape.n + n : n * shape.k + k];
        }
      }
    }
  }
  values[node.outputs[0]] = std::move(y);
}

std::uint64_t macs(const Graph& graph, const Node& node) {
  const GemmShape shape = gemm_shape(graph, node);
  return shape.batch * shape.m * shape.n * shape.k;
}

}  // namespace

const OpRules kGemmRules{infer, gradient, evaluate, macs};

}  // namespace ops
}  // namespace etude
