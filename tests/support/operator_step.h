// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tests/support/gradient_check.h"
#include "tests/support/lowered_step.h"

namespace etude::test {

/// A step of a few operators on trainable parameters, held to finite differences and lowered.
class OperatorStep {
 public:
  TensorId tensor(const std::string& name, Shape shape, TensorKind kind = TensorKind::kParameter) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return network_.graph.add_tensor(made);
  }
  /// An input of integers.
  TensorId integers(const std::string& name, Shape shape) {
    const TensorId made = tensor(name, std::move(shape), TensorKind::kInput);
    network_.graph.tensor(made).dtype = DType::kInt32;
    return made;
  }

  TensorId apply(OpType type, std::vector<TensorId> inputs, Attributes attributes = {}) {
    const std::string name = "op" + std::to_string(network_.graph.nodes().size());
    const NodeId made = network_.graph.add(
        Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name + ".out", TensorKind::kActivation}});
    return network_.graph.node(made).outputs[0];
  }

  const Shape& shape(TensorId id) const { return network_.graph.tensor(id).shape; }
  Graph& graph() { return network_.graph; }

  /// The mean squared distance of `output` from a drawn target as the loss.
  void loss(TensorId output) {
    network_.output = output;
    const TensorId target = tensor("target", shape(output), TensorKind::kInput);
    network_.graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {output, target}, {}, {}},
                       {{"loss", TensorKind::kLoss}});
  }

  /// All gradients against finite differences.
  TrainingGraph differentiate() {
    const auto training = make_training_graph(network_, 0.125);
    StartValues start = drawn(training.graph);
    draw_inputs(training.graph, 11, 0, start);
    check_gradients(training, start);
    return training;
  }

  /// Two steps on the task interpreter in L1 of so many KiB.
  Program lower(unsigned l1_kib) {
    const auto training = make_training_graph(network_, 0.125);
    return check_step(training, platform_of(true, l1_kib), {}, 2, drawn(training.graph));
  }

 private:
  /// No two equal, none near a corner.
  static StartValues drawn(const Graph& graph) {
    StartValues start(graph.tensors().size());
    for (TensorId id = 0; id < graph.tensors().size(); ++id) {
      const Tensor& each = graph.tensor(id);
      if (each.kind != TensorKind::kParameter || each.alias_of || each.fill) {
        continue;
      }
      for (std::size_t i = 0; i < each.elements(); ++i) {
        start[id].push_back(static_cast<float>((i * 37 + id * 11) % 101) / 64 - 0.7734375f);
      }
    }
    return start;
  }

  Network network_;
};

}  // namespace etude::test
