// SPDX-License-Identifier: Apache-2.0
#include "workloads/counted/counted_step.h"

#include <algorithm>

namespace etude {
namespace {
using Kind = CountedLayer::Kind;

class StepWriter {
 public:
  explicit StepWriter(const CountedNetwork& network) : layers_(network.layers) {
    for (const CountedLayer& layer : layers_) {
      add(layer.name, layer.flop, true, layer.inputs, {layer.bytes()});
    }
  }

  CountedStep published() {
    const auto count = static_cast<std::uint32_t>(layers_.size());
    for (std::uint32_t i = count - 1; i-- > 0;) {
      std::vector<std::uint32_t> reads{i, i + 1};
      if (i + 2 < count) {
        reads.push_back(static_cast<std::uint32_t>(made_.tensors.size()) - 1);
      }
      add("GradientLayer" + std::to_string(made_.slots.size()), 2 * layers_[i].flop, false, reads,
          {layers_[i + 1].bytes()});
    }
    return std::move(made_);
  }

  CountedStep corrected() {
    gradients_.resize(layers_.size());
    for (auto i = static_cast<std::uint32_t>(layers_.size()); i-- > 1;) {
      hand_back(i);
    }
    return std::move(made_);
  }

 private:
  void add(const std::string& name, std::uint64_t flop, bool forward,
           const std::vector<std::uint32_t>& inputs, const std::vector<std::uint64_t>& results) {
    const auto slot = static_cast<std::uint32_t>(made_.slots.size());
    CountedSlot& made = made_.slots.emplace_back(CountedSlot{name, flop, forward, inputs, {}});
    for (const std::uint32_t input : inputs) {
      made_.tensors[input].uses.push_back(slot);
    }
    for (const std::uint64_t bytes : results) {
      made.outputs.push_back(static_cast<std::uint32_t>(made_.tensors.size()));
      const std::string suffix =
          results.size() > 1 ? "." + std::to_string(made.outputs.size()) : "";
      made_.tensors.push_back({name + suffix, bytes, slot, {}});
    }
  }

  bool trains(std::uint32_t i) const {
    const Kind kind = layers_[i].kind;
    return kind == Kind::kConv || kind == Kind::kLinear || kind == Kind::kLinearRelu ||
           kind == Kind::kProjections || kind == Kind::kBatchNorm;
  }

  /// Forward results that the operator's gradient needs.
  std::vector<std::uint32_t> saved(std::uint32_t i) const {
    const CountedLayer& layer = layers_[i];
    switch (layer.kind) {
      case Kind::kConv:
      case Kind::kBatchNorm:
      case Kind::kLinear:
      case Kind::kProjections:
      case Kind::kLoss:
        return {layer.inputs[0]};
      case Kind::kRelu:
      case Kind::kDropout:
        return {i};
      case Kind::kMaxPool:
      case Kind::kLinearRelu:
        return {layer.inputs[0], i};
      case Kind::kScores:
        return {layer.inputs[0], i};
      case Kind::kMix:
        return layer.inputs;
      case Kind::kInput:
      case Kind::kAveragePool:
      case Kind::kAdd:
      case Kind::kFlatten:
        break;
    }
    return {};
  }

  std::uint64_t backward_flop(std::uint32_t i, bool input_gradient) const {
    const CountedLayer& layer = layers_[i];
    switch (layer.kind) {
      case Kind::kConv:
      case Kind::kLinear:
      case Kind::kLinearRelu:
      case Kind::kProjections:
        return layer.flop * (input_gradient ? 2 : 1);
      case Kind::kScores:
      case Kind::kMix:
        return 2 * layer.flop;
      case Kind::kBatchNorm:
        return 2 * layer.flop;
      case Kind::kLoss:
        return 2 * layers_[layer.inputs[0]].elements();
      default:
        return layers_[layer.inputs[0]].elements();
    }
  }

  /// Same-shaped inputs of a sum, and of a flattening, have the gradient of the result itself.
  void hand_back(std::uint32_t i) {
    const CountedLayer& layer = layers_[i];
    if (layer.kind == Kind::kAdd || layer.kind == Kind::kFlatten) {
      for (const std::uint32_t input : layer.inputs) {
        gradients_[input].insert(gradients_[input].end(), gradients_[i].begin(),
                                 gradients_[i].end());
      }
      return;
    }
    std::vector<std::uint32_t> reads = saved(i);
    reads.insert(reads.end(), gradients_[i].begin(), gradients_[i].end());
    std::ranges::sort(reads);
    const auto twice = std::ranges::unique(reads);
    reads.erase(twice.begin(), twice.end());
    std::vector<std::uint32_t> wanted;
    for (const std::uint32_t input : layer.inputs) {
      if (layers_[input].kind != Kind::kInput) {
        wanted.push_back(input);
      }
    }
    if (wanted.empty() && !trains(i)) {
      return;
    }
    const std::uint64_t sums =
        gradients_[i].size() > 1 ? (gradients_[i].size() - 1) * layer.elements() : 0;
    std::vector<std::uint64_t> results;
    for (const std::uint32_t input : wanted) {
      results.push_back(layers_[input].bytes());
    }
    const auto first = static_cast<std::uint32_t>(made_.tensors.size());
    add(layer.name + ".grad", backward_flop(i, !wanted.empty()) + sums, false, reads, results);
    for (std::uint32_t k = 0; k < wanted.size(); ++k) {
      gradients_[wanted[k]].push_back(first + k);
    }
  }

  const std::vector<CountedLayer>& layers_;
  CountedStep made_;
  std::vector<std::vector<std::uint32_t>> gradients_;  ///< tensors whose sum is a layer's gradient
};

}  // namespace

CountedStep training_step(const CountedNetwork& network) {
  StepWriter writer(network);
  return network.graph == CountedGraph::kPublished ? writer.published() : writer.corrected();
}

}  // namespace etude
