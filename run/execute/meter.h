// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/plan/plan.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// Runs the first pass of a plan in a child process, because SystemC elaborates once in a process,
/// and returns what was counted in it and seen of its operations. To be called while the process
/// has one thread. Errors: ProgramError if the simulated program fails; SystemError if there is no
/// child.
MeasuredPass measure_pass(const Plan& plan);

}  // namespace etude::run
