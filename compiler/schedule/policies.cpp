// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/policies.h"

#include "compiler/schedule/optimal.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {

ScheduleAnswer ask_policy(ScheduleConfig::Policy policy, const ScheduleProblem& problem,
                          const ScheduleRequest& request) {
  using Policy = ScheduleConfig::Policy;
  switch (policy) {
    case Policy::kKeep:
      return keep_everything(problem, request);
    case Policy::kOptimal:
      return solve_optimal(problem, request);
    case Policy::kCheckmate:
      return solve_optimal(problem, request, {true, false});
    case Policy::kPage:
      return solve_optimal(problem, request, {false, true});
    case Policy::kSqrt:
      return sqrt_segments(problem, request);
    case Policy::kCapuchin:
      return capuchin(problem, request);
    case Policy::kPofo:
      return pofo(problem, request);
    case Policy::kPoet:
      break;
  }
  return poet_published(problem, request);
}

}  // namespace etude::compiler
