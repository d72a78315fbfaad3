// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "compiler/schedule/optimal.h"

namespace etude::compiler {

/// What solve_optimal() was asked: means, objective, budget, deadline (0: none).
using SolveQuestion = std::tuple<bool, bool, ScheduleObjective, std::uint64_t, double>;

/// What it found with all means of the question and with fewer.
struct Solution {
  ScheduleAnswer answer;
  std::vector<RestrictedAnswer> others;
};

/// Of one problem: no search looks at the clock of the request, so that what is found for one clock
/// is what would be found for another one.
struct SolveMemory {
  std::map<SolveQuestion, Solution> solutions;
};

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
