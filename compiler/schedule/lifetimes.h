// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/schedule/event_schedule.h"

namespace etude::compiler {

/// What a policy decides; when storages are given up follows from it.
struct Decisions {
  /// For each slot the slots whose operators run again in front of it, in any order.
  std::vector<std::vector<SlotId>> recomputes;
  std::vector<TensorPage> pages;
};

/// Without transfers of what nobody reads before it is brought again, without operators that run
/// again for nobody, and with transfers of one tensor one behind the other: where they cost nothing
/// of what a model minimises, it decides on some all the same.
Decisions needed_of(const ScheduleProblem& problem, Decisions decisions);

/// The schedule of some decisions: each tensor stands in memory from each making or page-in to the
/// last use of what was made, no longer. Operators that run again in one slot do so in the order of
/// the step. What nobody reads before it is made or fetched again is given up at once.
EventSchedule with_lifetimes(const ScheduleProblem& problem, const Decisions& decisions);

}  // namespace etude::compiler
