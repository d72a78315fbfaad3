// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/schedule/event_schedule.h"

namespace etude::compiler {

/// What a schedule really does, found by going through it.
struct Replay {
  bool ok = true;
  std::vector<std::string> faults;  ///< what is not available where, in order
  Bytes peak{0};                    ///< most bytes at once, buffers of transfers included
  SlotId peak_slot = 0;
  std::vector<Bytes> slot_peaks;             ///< of each slot
  std::vector<double> slot_seconds;          ///< of each slot, waiting for transfers included
  double time_s = 0;                         ///< transfers go first come, earliest end first
  double energy_j = 0;                       ///< dynamic, pages, and static power over time_s
  std::vector<StorageId> recomputed, paged;  ///< tensors, ascending, each once
};

/// Goes through a schedule event by event and knows nothing of how it was found: everything that an
/// operator reads must be there and of its first value, everything that is updated must come home,
/// nothing may be left in memory behind the step. A slot is as long as its operators, longer if a
/// transfer that must end with it is not done.
Replay replay(const ScheduleProblem& problem, const EventSchedule& schedule);

}  // namespace etude::compiler
