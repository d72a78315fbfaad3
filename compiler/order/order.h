// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/order/step_graph.h"

namespace etude::compiler {

/// An order in which operations are posted, and the modelled length of the step.
struct PostOrder {
  std::vector<std::uint32_t> order;
  Cycle cycles;
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
PostOrder schedule_operations(const StepGraph& graph, bool one_dma = false,
                              const PostRules& rules = {});

/// The order, among those of several rules, that the model of the controller runs through first;
/// `cycles` are then that model's. Without an order, and with `limit` cycles, if none takes less
/// than `limit`.
PostOrder best_order(const StepGraph& graph, bool one_dma, Cycle limit = kNever);

}  // namespace etude::compiler
