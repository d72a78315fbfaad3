// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "run/plan/step_model.h"

namespace etude::run {

/// The problem of a step where /workload/home has its parameters, states and inputs: "extmem" in
/// HyperRAM, "l2" in L2 all along, "auto" in L2 if everything is kept there within `budget` (bytes,
/// or at most 1: a part of what keep needs with HyperRAM; nothing: `room`) and no least peak is
/// asked for, else in HyperRAM, as a run has it. Errors: as budget_of().
compiler::ScheduleProblem problem_at_home(const StepModel& model, const RootConfig& config,
                                          compiler::ScheduleObjective objective,
                                          std::optional<double> budget, Bytes room);

}  // namespace etude::run
