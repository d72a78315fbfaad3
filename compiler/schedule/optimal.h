// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/schedule_answer.h"

namespace etude::compiler {

/// Which of a schedule's means a search may use.
struct SearchMeans {
  bool recompute = true, page = true;

  bool operator==(const SearchMeans&) const = default;
};

/// What a search with both means found with one of them.
struct RestrictedAnswer {
  SearchMeans means;
  ScheduleAnswer answer;
  bool whole;  ///< as a search that has these means alone finds it
};

/// The best schedule of a problem under its limits by the replay's clock, with a bound: heuristics
/// and rivals first, then the tensor model without pages, then with them, each from the best
/// schedule so far; where the limit ends that, the model without recomputation. No answer of the
/// same means and limits is better. `request.rules` says what the model may consider. Energy is
/// minimised as it is; time first, then energy at that time; peak first, then energy at that peak;
/// the product of energy and time over the supported points of their front, where its optimum lies.
/// Infeasible answers say what would do. `starts`: schedules that are known; `others`: takes what
/// was found with fewer means.
ScheduleAnswer solve_optimal(const ScheduleProblem& problem, const ScheduleRequest& request,
                             const SearchMeans& means = {},
                             const std::vector<EventSchedule>& starts = {},
                             std::vector<RestrictedAnswer>* others = nullptr);

/// The answer that keeps everything, whatever the limits are.
ScheduleAnswer keep_everything(const ScheduleProblem& problem, const ScheduleRequest& request);

/// Fills in replay and overhead of an answer with a schedule, and its status if it does not hold to
/// the limits.
void judge(const ScheduleProblem& problem, const ScheduleRequest& request, ScheduleAnswer& answer);

}  // namespace etude::compiler
