// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/schedule/eviction_plan.h"
#include "compiler/schedule/schedule_answer.h"

namespace etude::compiler {

/// Ways to move tensors out of the way.
struct EvictionMeans {
  bool recompute = true, page = true;
};

/// A schedule within the limits: from keeping everything on, where memory overflows most, the
/// tensor whose absence costs least for each byte and slot of overflow that it takes away; then
/// what turns out not to be needed is kept again, and choices are exchanged as long as that is
/// cheaper. Nothing if it ends where no absence helps.
std::optional<EvictionPlan> evict_greedily(const ScheduleProblem& problem,
                                           const ScheduleRequest& request,
                                           const EvictionMeans& means);

}  // namespace etude::compiler
