// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/tape/tape.h"

namespace etude {

/// For each operation the earlier ones that must be over before it starts, because both touch a
/// byte and one of them writes it.
std::vector<std::vector<std::uint32_t>> find_dependences(const std::vector<PlanOp>& ops);

/// An order in which operations are posted, and the modelled length of the step.
struct PostOrder {
  std::vector<std::uint32_t> order;
  std::uint64_t cycles = 0;
};

/// What the ordering assumes of the controller; best_order() tries several.
struct PostRules {
  double hand_over = 300;  ///< cycles from the end of one operation to the start of the next
  double dma_lead = 300;   ///< cycles that a transfer is programmed ahead of its turn
};

/// List scheduling: every unit takes, whenever it is free, the operation whose dependences are over
/// first (in program order among equals); the operations are then posted in the order of the
/// earliest moment at which that costs the controller no waiting. `one_dma`: both directions of the
/// cluster DMA share one engine (iDMA).
PostOrder schedule_operations(const std::vector<PlanOp>& ops,
                              const std::vector<std::vector<std::uint32_t>>& dependences,
                              bool one_dma = false, const PostRules& rules = {});

/// The order, among those of several rules, that the model of the controller runs through first;
/// `cycles` are then that model's.
PostOrder best_order(const std::vector<PlanOp>& ops,
                     const std::vector<std::vector<std::uint32_t>>& dependences, bool one_dma);

/// The queue of an operation for the purpose of dependences: the two directions of the cluster DMA
/// are two, because they overtake each other.
unsigned queue_of(const PlanOp& op);
/// The queue of a unit; of the cluster DMA the one into L1.
constexpr unsigned queue_of(TaskUnit unit) { return static_cast<unsigned>(unit); }
constexpr unsigned kOutwards = kUnits;  ///< the cluster DMA towards L2
constexpr unsigned kQueues = kUnits + 2;
constexpr unsigned kProbeQueue = kUnits + 1;

}  // namespace etude
