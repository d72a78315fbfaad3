// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude::test {

/// A graph that grows node by node; shapes are given, not inferred.
struct SmallGraph {
  Graph graph;

  TensorId tensor(const std::string& name, Shape shape, TensorKind kind = TensorKind::kActivation) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    return graph.add_tensor(std::move(made));
  }
  TensorId input(const std::string& name, Shape shape) {
    return tensor(name, std::move(shape), TensorKind::kInput);
  }
  TensorId parameter(const std::string& name, Shape shape) {
    return tensor(name, std::move(shape), TensorKind::kParameter);
  }
  /// Adds a node "n.<result>" that makes tensor <result>.
  TensorId node(OpType op, const std::string& result, Shape shape, std::vector<TensorId> inputs,
                Phase phase = Phase::kForward, Attributes attributes = {}) {
    const TensorId made = tensor(result, std::move(shape));
    graph.add_node({"n." + result, op, phase, std::move(inputs), {made}, std::move(attributes)});
    return made;
  }
  /// An update of `parameter` in place.
  TensorId sgd(const std::string& result, TensorId parameter, TensorId gradient) {
    const TensorId made = node(OpType::kSgd, result, graph.tensor(parameter).shape,
                               {parameter, gradient}, Phase::kUpdate, {{"lr", 0.5}});
    graph.tensor(made).alias_of = parameter;
    return made;
  }
  NodeId maker(TensorId tensor) const { return *graph.producer(tensor); }
};

}  // namespace etude::test
