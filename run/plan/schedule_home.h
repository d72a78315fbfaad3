// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/lower/lower.h"
#include "run/plan/step_model.h"

namespace etude::run {

/// A step with its parameters, states and inputs at one home.
struct StepAtHome {
  WorkloadConfig::Home home = WorkloadConfig::Home::kExtmem;  ///< kL2 or kExtmem
  /// Home kL2: what is at home stands below the objects of a budget, not among them.
  bool apart = false;
  compiler::StepProblem of;  ///< the problem of schedules then
  Bytes l2_fixed;            ///< of L2, below the objects of a budget, where everything is kept
};

/// Parameters in HyperRAM.
StepAtHome in_hyperram(const StepModel& model);
/// Parameters in L2 all along. `apart`: outside the budget, else in every slot's bytes.
StepAtHome in_l2(const StepModel& model, bool apart);

/// How a step of a configuration is lowered at a home.
compiler::LowerOptions options_at(const StepAtHome& at, const RootConfig& config);

}  // namespace etude::run
