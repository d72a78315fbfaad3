// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/networks.h"
#include "workloads/training/backward.h"
#include "workloads/training/update.h"

namespace etude {

/// A whole training step as one graph: forward, loss, backward, update.
struct TrainingGraph {
  Graph graph;
  std::vector<TensorId> inputs;
  TensorId output{};
  TensorId loss{};
  GradientMap gradients;  ///< tensor -> its gradient, parameters and activations
  /// Trainable parameters, in order of their tensors.
  std::vector<TensorId> trained() const;
};

/// Adds backward pass and updates to a network whose parameters are marked trainable or not.
/// Errors: UserError when nothing is differentiable, or of add_updates().
TrainingGraph make_training_graph(Network network, const UpdateOptions& options);
/// The same with SGD.
TrainingGraph make_training_graph(Network network, double lr);

}  // namespace etude
