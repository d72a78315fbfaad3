// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "models/base/types.h"
#include "sim/energy/energy.h"

namespace etude::run {

class Plan;

/// When the controller took up an operation of the task list (`begin` of a transfer: had programmed
/// it), and when its unit had done it, since the first cycle of the pass. All 0: nobody saw it.
struct OperationSpan {
  Cycle begin, end;
  Cycle taken_up = {};
};

/// What was counted in a pass, and seen of each operation of its task list.
struct MeasuredPass {
  Activity activity;
  std::vector<OperationSpan> spans;
  std::vector<Activity> layers;  ///< if they were asked for; without their cycles
};

/// Runs the first pass of a plan. Plans need no simulator: who has one gives it to them. Errors:
/// ProgramError if the simulated program fails; SystemError.
using StepMeter = std::function<MeasuredPass(const Plan&)>;

}  // namespace etude::run
