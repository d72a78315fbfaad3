// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "run/plan/pass_message.h"
#include "run/plan/plan.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// Runs the first pass of a plan in a child process, because SystemC elaborates once in a process,
/// and returns what was counted in it and seen of its operations. To be called while the process
/// has one thread. Errors: ProgramError if the simulated program fails; SystemError if there is no
/// child.
MeasuredPass measure_pass(const Plan& plan);

/// The same of the pass that `message` makes, in the child.
MeasuredPass measure_message(const std::function<PassMessage()>& message);

/// Runs the pass that `message` makes in this process, once, and tells what was counted in it, or
/// why it was not: the text that read_account() takes.
std::string account_of(const std::function<PassMessage()>& message);

}  // namespace etude::run
