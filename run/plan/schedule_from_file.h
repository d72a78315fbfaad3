// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/schedule/schedule_answer.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// Lets /schedule/file say policy, objective, the memory of pages and, if none is given, the
/// budget; nothing where there is no file. Errors: UserError for a file that is no schedule, and
/// for words beside it that contradict it.
void take_schedule_file(RootConfig& config);

/// The schedule of /schedule/file for the problem of a step whose configuration
/// take_schedule_file() has seen, with what it takes. Errors: UserError for a schedule of another
/// graph, for one that does not work out, and where it takes more than the budget.
compiler::ScheduleAnswer answer_of_file(const compiler::ScheduleProblem& problem,
                                        const RootConfig& config);

/// Errors: UserError if the program that carries it out is predicted to take `seconds`, and the
/// configuration's deadline is shorter.
void check_deadline_of_file(double seconds, const RootConfig& config);

/// Whether /schedule/file is of the problem's graph. Errors: UserError for no schedule.
bool is_of_file(const compiler::ScheduleProblem& problem, const RootConfig& config);

}  // namespace etude::run
