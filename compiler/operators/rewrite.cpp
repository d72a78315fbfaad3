// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/rewrite.h"

#include <algorithm>

namespace etude::compiler {

namespace {

bool made_by_gemm(const Graph& graph, TensorId id) {
  const auto maker = graph.producer(id);
  return maker && graph.node(*maker).op == OpType::kGemm && graph.consumers(id).size() == 1;
}

bool same_shapes(const Graph& graph, const Node& node) {
  return std::ranges::all_of(node.inputs, [&](TensorId input) {
    return graph.tensor(input).shape == graph.tensor(node.outputs[0]).shape;
  });
}

/// A name that no tensor has.
std::string free_name(const Graph& from, const Graph& to, std::string name) {
  while (from.find(name) || to.find(name)) {
    name += ".part";
  }
  return name;
}

void add_chain(const Graph& from, const Node& node, Graph& to) {
  std::vector<TensorId> terms = node.inputs;
  std::ranges::stable_partition(terms, [&](TensorId id) { return !made_by_gemm(from, id); });
  TensorId sum = terms[0];
  for (std::size_t i = 1; i < terms.size(); ++i) {
    Node link = node;
    link.inputs = {sum, terms[i]};
    if (i + 1 < terms.size()) {
      link.name = node.name + "." + std::to_string(i);
      Tensor part = from.tensor(node.outputs[0]);
      part.name = free_name(from, to, part.name + "." + std::to_string(i));
      part.kind =
          part.kind == TensorKind::kGradient ? TensorKind::kGradient : TensorKind::kActivation;
      part.trainable = false;
      part.alias_of.reset();
      sum = to.add_tensor(std::move(part));
      link.outputs = {sum};
    }
    to.add_node(std::move(link));
  }
}

}  // namespace

TrainingGraph with_binary_sums(const TrainingGraph& training) {
  const Graph& from = training.graph;
  TrainingGraph made = training;
  made.graph = {};
  made.graph.name = from.name;
  for (const Tensor& tensor : from.tensors()) {
    made.graph.add_tensor(tensor);
  }
  for (const Node& node : from.nodes()) {
    if (node.op == OpType::kAdd && node.inputs.size() > 2 && same_shapes(from, node)) {
      add_chain(from, node, made.graph);
    } else {
      made.graph.add_node(node);
    }
  }
  return made;
}

}  // namespace etude::compiler
