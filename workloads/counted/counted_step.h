// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "workloads/counted/counted_network.h"

namespace etude {

/// An operator of a training step: operations, what it reads and makes (numbers of tensors).
struct CountedSlot {
  std::string name;
  std::uint64_t flop = 0;
  bool forward = true;
  std::vector<std::uint32_t> inputs, outputs;
};

/// A result of a training step. Slots are named by their number.
struct CountedTensor {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t producer = 0;
  std::vector<std::uint32_t> uses;  ///< ascending
};

/// A training step without its update: forward, loss, backward. Parameters and their gradients are
/// no tensors of it.
struct CountedStep {
  std::vector<CountedSlot> slots;
  std::vector<CountedTensor> tensors;
};

/// The step of a network. Published: one gradient slot a layer but the loss, each of twice the
/// layer's operations, that reads the gradient before it, the layer's result and the next layer's,
/// and makes one tensor as large as the next layer's result. Corrected: each operator reads the
/// gradients of its result, summed where there are several, and what its own rule needs, and makes
/// the gradient of each input; sums and flattening hand theirs on; the input has no gradient.
CountedStep training_step(const CountedNetwork& network);

}  // namespace etude
