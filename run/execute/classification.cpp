// SPDX-License-Identifier: Apache-2.0
#include "run/execute/classification.h"

#include <algorithm>

namespace etude::run {

std::optional<Classification> classification_of(const TrainingGraph& training) {
  if (!training.gradients.empty()) {
    return std::nullopt;
  }
  for (const Node& node : training.graph.nodes()) {
    if (node.op == OpType::kSoftmaxCrossEntropy && node.outputs.front() == training.loss) {
      return Classification{node.inputs[0], node.inputs[1]};
    }
  }
  return std::nullopt;
}

std::uint64_t count_correct(const std::vector<float>& logits, const std::vector<float>& labels) {
  if (labels.empty()) {
    return 0;
  }
  const auto classes = static_cast<std::ptrdiff_t>(logits.size() / labels.size());
  std::uint64_t correct = 0;
  auto row = logits.begin();
  for (const float label : labels) {
    const auto largest = std::max_element(row, row + classes) - row;
    correct += static_cast<float>(largest) == label ? 1 : 0;
    row += classes;
  }
  return correct;
}

}  // namespace etude::run
