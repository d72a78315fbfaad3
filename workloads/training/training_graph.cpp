// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/training_graph.h"

namespace etude {

std::vector<TensorId> TrainingGraph::trained() const {
  std::vector<TensorId> found;
  for (const auto& [tensor, gradient] : gradients) {
    if (graph.tensor(tensor).trainable) {
      found.push_back(tensor);
    }
  }
  return found;
}

TrainingGraph make_training_graph(Network network, double lr) {
  UpdateOptions options;
  options.lr = lr;
  return make_training_graph(std::move(network), options);
}

TrainingGraph make_training_graph(Network network, const UpdateOptions& options) {
  TrainingGraph training{
      std::move(network.graph), std::move(network.inputs), network.output, {}, {}};
  training.loss = training.graph.loss();
  training.gradients = add_backward(training.graph);
  scale_loss_gradient(training.graph, options.loss_scale);
  add_updates(training.graph, training.gradients, options);
  training.graph.validate();
  return training;
}

}  // namespace etude
