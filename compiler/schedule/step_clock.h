// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/schedule/event_schedule.h"

namespace etude::compiler {

/// The time of a schedule: operators one behind the other, and beside them one DMA that serves
/// transfers, those that have to end first first.
/// - An operator begins when all that comes in for its slot is there, but for what it does not need
///   at its begin (ProblemTensor::leads) of the transfer that the DMA serves last; that comes while
///   it runs, and it ends behind that.
/// - What goes out begins to as the operator in front of its window makes it; a part
///   (ProblemTensor::trail) is left when that ends.
/// - An operator waits for what has to be out in front of its slot.
class StepClock {
 public:
  StepClock(const ScheduleProblem& problem, const std::vector<TensorPage>& pages);

  /// Seconds that slot `slot` takes with operators of `length` seconds, waits in front of them
  /// included. Slots come in order.
  double slot(SlotId slot, double length);
  /// Seconds behind the last slot, until everything is home.
  double finish();

 private:
  struct Job {
    SlotId from;  ///< slot with whose begin it may begin
    SlotId due;   ///< slot that it has to be over in front of
    bool in;
    double seconds, part;  ///< of all of it, of its lead or trail
    double left;
  };

  /// What has to be over in front of the slot's operators: seconds until they may begin.
  double wait_for(SlotId slot);

  std::vector<Job> jobs_;   ///< by `from`
  std::vector<Job*> open_;  ///< begun and not over, by `due`
  std::size_t next_ = 0;
  Job* beside_ = nullptr;  ///< comes in while the operator that reads it runs
};

}  // namespace etude::compiler
