// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "run/plan/step_model.h"

namespace etude::run {

/// Whether a step has its parameters, states and inputs in L2 all along rather than at home in
/// HyperRAM, as /workload/home says: "auto" if everything is kept there within `budget` (bytes, or
/// at most 1: a part of what keep needs with HyperRAM; nothing: `room`) and no least peak is asked
/// for, as a run has it. Errors: as budget_of().
bool home_in_l2(const StepModel& model, const RootConfig& config,
                compiler::ScheduleObjective objective, std::optional<double> budget, Bytes room);

}  // namespace etude::run
