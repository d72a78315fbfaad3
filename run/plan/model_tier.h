// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run/plan/lone_costs.h"
#include "run/plan/plan.h"
#include "sim/energy/energy.h"

namespace etude::run {

/// A step of a plan as the model tier has it: its task list replayed with what each operation takes
/// by itself, contention beside other units, and the leftover as a correction; counters are the sum
/// of the operations', the harts' other cycles sleep.
StepRecord modelled_step(const Plan& plan, const ProgramCosts& costs);

/// result.json of a plan in the model tier (docs/model-tier.md): fields and units as the cycle
/// tier's, `check` and losses null, `model` beside them. `warnings`: of loading; `wall_s`: whole
/// seconds of the process. Errors: UserError 'not available' for what this tier does not have.
nlohmann::ordered_json model_result(const Plan& plan, const ProgramCosts& costs,
                                    const std::vector<std::string>& warnings, double wall_s);

/// Refuses what the model tier does not have: a UserError, 'not available', at its key.
void check_model_tier(const RootConfig& config);

}  // namespace etude::run
