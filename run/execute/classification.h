// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/training/training_graph.h"

namespace etude::run {

/// Of an inference whose loss compares classes: the logits [samples, classes], and the labels.
struct Classification {
  TensorId logits{};
  TensorId labels{};
};

/// None where something is trained, or the loss is of another kind.
std::optional<Classification> classification_of(const TrainingGraph& training);

/// Samples whose largest logit is their label's; of equal ones the first counts.
std::uint64_t count_correct(const std::vector<float>& logits, const std::vector<float>& labels);

}  // namespace etude::run
