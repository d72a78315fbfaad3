// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run/plan/lone_costs.h"
#include "run/plan/plan.h"
#include "sim/energy/energy.h"

namespace etude::run {

/// What the model tier needs to know of a plan. `config`: with what the plan found out (batch,
/// parts).
struct ModelledPlan {
  const RootConfig& config;
  const Program& program;
  const RunFacts& facts;
  const ProgramShapes& shapes;  ///< of the program
};

/// Whether layers are told apart: a sweep looks at whole steps alone.
enum class Detail : std::uint8_t { kLayers, kStep };

/// A step of a plan as the model tier has it: its task list replayed with what each operation takes
/// by itself, contention beside other units, and the leftover as a correction; counters are the sum
/// of the operations', the harts' other cycles sleep.
StepRecord modelled_step(const ModelledPlan& plan, const ProgramCosts& costs,
                         Detail detail = Detail::kLayers);

/// The same as a pass that was measured, for who makes schedules: what was counted, and seen of
/// each operation.
MeasuredPass modelled_pass(const ModelledPlan& plan, const ProgramCosts& costs);

/// result.json of a plan in the model tier (docs/model-tier.md): fields and units as the cycle
/// tier's, `check` and losses null, `model` beside them; without layers and timeline if steps alone
/// are asked for. `warnings`: of loading; `wall_s`: whole seconds of the process.
nlohmann::ordered_json model_result(const ModelledPlan& plan, const ProgramCosts& costs,
                                    const std::vector<std::string>& warnings, double wall_s,
                                    Detail detail = Detail::kLayers);

/// Refuses what the model tier does not have: a UserError, 'not available', at its key.
void check_model_tier(const RootConfig& config);

}  // namespace etude::run
