// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude::compiler {

/// A slot: the place of an operator in Step::operators of the step that is scheduled.
using Slot = std::uint32_t;

/// The operator of `slot` runs again in front of that of `before`, which and those behind it read
/// what it makes then. What it made before dies at its last use in front of that.
struct Recompute {
  Slot slot = 0, before = 0;
};

/// A transfer of a whole storage, named by its base tensor, between L2 and HyperRAM. It has from
/// the begin of slot `first` to the end of slot `last`, and its place in L2 is taken that long;
/// with first = last + 1 it has the point between both, where whatever wants its place waits for
/// it. Out: what slots in front of `first` left in L2. In: what slots from last + 1 on read. What
/// is at home in HyperRAM comes for its first use and goes home behind its last change, whether or
/// not transfers say so.
struct PageWindow {
  TensorId tensor = 0;
  bool out = false;
  Slot first = 0, last = 0;
};

/// What runs when: the operators of a step (indices of Step::operators) in the order of their
/// execution, those that run again, and what is moved out of the way. Every other tensor that is
/// read again is kept from its making to its last use.
struct Schedule {
  std::vector<std::uint32_t> order;
  std::vector<Recompute> recomputes = {};
  std::vector<PageWindow> pages = {};
};

}  // namespace etude::compiler
