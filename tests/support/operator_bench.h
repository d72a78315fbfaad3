// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/gradient_check.h"

namespace etude::test {

/// A graph of one operator on trainable parameters, with a loss behind it.
struct OperatorBench {
  Network network;
  StartValues start;
  float offset = 0;  ///< added to all drawn parameters

  TensorId tensor(const std::string& name, Shape shape, TensorKind kind = TensorKind::kParameter) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return network.graph.add_tensor(made);
  }

  TensorId apply(OpType type, std::vector<TensorId> inputs, Attributes attributes = {},
                 const std::string& name = "op") {
    const NodeId made = network.graph.add(
        Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name + ".out", TensorKind::kActivation}});
    return network.graph.node(made).outputs[0];
  }

  /// Compares all gradients of the mean squared distance of `output` from a drawn target.
  TrainingGraph check(TensorId output) {
    network.output = output;
    const TensorId target =
        tensor("target", network.graph.tensor(output).shape, TensorKind::kInput);
    network.graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {output, target}, {}, {}},
                      {{"loss", TensorKind::kLoss}});
    return finish();
  }

  TrainingGraph finish() {
    const auto training = make_training_graph(network, 0.1);
    draw_inputs(training.graph, 11, 0, start);
    for (TensorId id = 0; id < network.graph.tensors().size(); ++id) {
      const Tensor& each = network.graph.tensor(id);
      if (each.kind == TensorKind::kParameter) {
        start[id].resize(each.elements());
        for (std::size_t i = 0; i < start[id].size(); ++i) {  // no two equal, none near a corner
          start[id][i] = static_cast<float>((i * 37 + id * 11) % 101) / 64 - 0.7734375f + offset;
        }
      }
    }
    check_gradients(training, start);
    return training;
  }
};

}  // namespace etude::test
