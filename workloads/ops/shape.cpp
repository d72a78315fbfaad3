// SPDX-License-Identifier: Apache-2.0
// Reshape: attribute shape (all extents given). No data moves: the result may lie where the input
// lies. Squeeze, Unsqueeze, Flatten and Identity are reshapes too.
// Transpose: attribute perm; extent i of the result is extent perm[i] of the input.
#include <algorithm>

#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer_reshape(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Tensor& input = graph.tensor(node.inputs[0]);
  const auto wanted = node.integers("shape");
  Tensor target;
  target.shape.assign(wanted.begin(), wanted.end());
  if (target.elements() != input.elements()) {
    shape_error(graph, node, "the result " + to_string(target.shape) + " has other elements");
  }
  set_output(graph, node, 0, target.shape, input.dtype);
}

void gradient_reshape(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], reshape_node(builder.gradient_of(node.outputs[0]),
                                                    builder.graph().tensor(node.inputs[0]).shape));
  }
}

void evaluate_reshape(const Graph&, const Node& node, TensorValues& values) {
  values[node.outputs[0]] = values[node.inputs[0]];
}

std::vector<std::int64_t> permutation(const Graph& graph, const Node& node) {
  const auto perm = node.integers("perm");
  const std::size_t rank = graph.tensor(node.inputs[0]).shape.size();
  std::vector<std::int64_t> sorted = perm;
  std::ranges::sort(sorted);
  bool good = sorted.size() == rank;
  for (std::size_t i = 0; good && i < rank; ++i) {
    good = sorted[i] == static_cast<std::int64_t>(i);
  }
  if (!good) {
    shape_error(graph, node, "perm must name every axis once");
  }
  return perm;
}

void infer_transpose(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  const Tensor& input = graph.tensor(node.inputs[0]);
  Shape shape;
  for (std::int64_t axis : permutation(graph, node)) {
    shape.push_back(input.shape[static_cast<std::size_t>(axis)]);
  }
  set_output(graph, node, 0, shape, input.dtype);
}

void gradient_transpose(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (!builder.wants(node.inputs[0])) {
    return;
  }
  const auto perm = permutation(builder.graph(), node);
  std::vector<std::int64_t> inverse(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) {
    inverse[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  }
  builder.contribute(node.inputs[0], Node{"",
                                          OpType::kTranspose,
                                          Phase::kBackward,
                                          {builder.gradient_of(node.outputs[0])},
                                          {},
                                          {{"perm", inverse}}});
}

void evaluate_transpose(const Graph& graph, const Node& node, TensorValues& values) {
  const Shape& from = graph.tensor(node.inputs[0]).shape;
  const auto perm = permutation(graph, node);
  std::vector<std::uint64_t> strides(from.size(), 1);
  for (std::size_t i = from.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * from[i];
  }
  std::vector<std::uint64_t> offsets{0};
  for (std::int64_t axis : perm) {
    std::vector<std::uint64_t> next;
    for (std::uint64_t offset : offsets) {
      for (std::uint64_t i = 0; i < from[static_cast<std::size_t>(axis)]; ++i) {
        next.push_back(offset + i * strides[static_cast<std::size_t>(axis)]);
      }
    }
    offsets = std::move(next);
  }
  const auto& x = values[node.inputs[0]];
  std::vector<double> y;
  y.reserve(offsets.size());
  for (std::uint64_t offset : offsets) {
    y.push_back(x[offset]);
  }
  values[node.outputs[0]] = std::move(y);
}

}  // namespace

const OpRules kReshapeRules{infer_reshape, gradient_reshape, evaluate_reshape, no_macs};
const OpRules kTransposeRules{infer_transpose, gradient_transpose, evaluate_transpose, no_macs};

}  // namespace etude::ops
