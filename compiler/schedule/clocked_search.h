// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/optimal.h"

namespace etude::compiler {

/// The best schedule of a problem where times and deadlines are judged by the clock of the request.
/// Without a clock as solve_optimal(). With one, where time matters: the schedules of least energy
/// and of least time by the replay's clock, those of each with fewer means, and the rivals' are
/// asked for; where none of them is in time, or a cheaper one may be, the problem is solved for the
/// deadline that in the replay's clock is as far away. The best of all that are in time is the
/// answer, so that a deadline is refused only if nothing known meets it; then `needs` has the
/// shortest that does.
ScheduleAnswer solve_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                              const SearchMeans& means = {});

/// An answer as the clock of the request, if it has one, judges it.
ScheduleAnswer judged_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                               ScheduleAnswer answer);

}  // namespace etude::compiler
