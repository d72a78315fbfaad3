// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/schedule_answer.h"
#include "sim/config/workload_config.h"

namespace etude::compiler {

/// The answer of a policy to a request, from the replay of its schedule.
ScheduleAnswer ask_policy(ScheduleConfig::Policy policy, const ScheduleProblem& problem,
                          const ScheduleRequest& request);

}  // namespace etude::compiler
