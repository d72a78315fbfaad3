// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "sim/config/workload_config.h"
#include "workloads/training/training_graph.h"

namespace etude::test {

/// A training step that was drawn, and how its products are computed.
struct RandomNetwork {
  std::string name;  ///< what it is made of, for messages
  TrainingGraph training;
  TrainConfig::Precision precision = TrainConfig::Precision::kFp32;
  bool redmule = true;  ///< products may use the array (of FP16 in mixed precision)
};

/// Draws a small step, the same for a seed everywhere: perceptrons, rows of features (normalised,
/// summed over either axis), images (plain, grouped and depthwise convolutions, pooling, batch
/// normalisation), transformers; with every loss and update rule.
RandomNetwork random_network(std::uint64_t seed);

}  // namespace etude::test
