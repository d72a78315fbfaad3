// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/policies.h"

#include "compiler/schedule/clocked_search.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {

namespace {

/// A rival, which sees no clock.
ScheduleAnswer ask_rival(ScheduleConfig::Policy policy, const ScheduleProblem& problem,
                         const ScheduleRequest& request) {
  using Policy = ScheduleConfig::Policy;
  switch (policy) {
    case Policy::kKeep:
      return keep_everything(problem, request);
    case Policy::kSqrt:
      return sqrt_segments(problem, request);
    case Policy::kCapuchin:
      return capuchin(problem, request);
    case Policy::kPofo:
      return pofo(problem, request);
    case Policy::kOptimal:
    case Policy::kCheckmate:
    case Policy::kPage:
    case Policy::kPoet:
      break;
  }
  return poet_published(problem, request);
}

}  // namespace

ScheduleAnswer ask_policy(ScheduleConfig::Policy policy, const ScheduleProblem& problem,
                          const ScheduleRequest& request) {
  using Policy = ScheduleConfig::Policy;
  switch (policy) {
    case Policy::kOptimal:
      return solve_by_clock(problem, request);
    case Policy::kCheckmate:
      return solve_by_clock(problem, request, {true, false});
    case Policy::kPage:
      return solve_by_clock(problem, request, {false, true});
    case Policy::kKeep:
    case Policy::kSqrt:
    case Policy::kCapuchin:
    case Policy::kPofo:
    case Policy::kPoet:
      break;
  }
  ScheduleRequest asked = request;
  if (request.clock) {
    asked.limits.deadline_s.reset();  // the clock judges it
    asked.clock = {};
  }
  return judged_by_clock(problem, request, ask_rival(policy, problem, asked));
}

}  // namespace etude::compiler
