// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "sim/energy/energy.h"

namespace etude::run {

class Plan;

/// Runs the first pass of a plan and returns what was counted in it. Plans need no simulator: who
/// has one gives it to them. Errors: ProgramError if the simulated program fails; SystemError.
using StepMeter = std::function<Activity(const Plan&)>;

}  // namespace etude::run
