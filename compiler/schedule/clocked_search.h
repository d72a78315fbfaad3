// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/optimal.h"

namespace etude::compiler {

/// The best schedule of a problem where times and deadlines are judged by the clock of the request.
/// Without a clock as solve_optimal(). With one, where time matters, the front of energy and time
/// is searched by the replay's clock, with all means and with fewer: the least of both, the least
/// energy for deadlines between them, and the rivals'; then the same, with less effort, for the
/// budgets below that are tenths of keep's peak. The best of all that are in time by the clock is
/// the answer. Which schedules are asked about depends on no deadline, so that a later one is never
/// answered worse, and a larger budget knows what the tenths below it know. A deadline is refused
/// only if nothing known meets it; then `needs` has the shortest that does.
ScheduleAnswer solve_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                              const SearchMeans& means = {});

/// An answer as the clock of the request, if it has one, judges it.
ScheduleAnswer judged_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                               ScheduleAnswer answer);

}  // namespace etude::compiler
