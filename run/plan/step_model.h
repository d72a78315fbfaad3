// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/schedule/schedule_answer.h"
#include "compiler/schedule/step_problem.h"
#include "run/plan/step_meter.h"
#include "run/plan/step_reference.h"
#include "sim/config/root_config.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// The training step of a configuration as a problem of schedules.
struct StepModel {
  compiler::StepProblem step;
  Bytes l2_fixed;  ///< of L2, below the first object, of the step that keeps everything
  Bytes l2_home;  ///< of L2, where parameters, states and inputs are at home there: these, the loss
  /// The same with parameters, states and inputs at home in L2, outside every slot's bytes.
  compiler::StepProblem at_home_in_l2;
  std::shared_ptr<const StepReference> reference;  ///< predicts what programs of the step take
};

/// Lowers the step that keeps everything in an L2 with room for it, and prices its operators: times
/// by the compiler's model of each unit, in the proportion that makes the step of `reference`;
/// energy by its prices. Page transfers cost what the SoC's DMA and HyperRAM take, those of what
/// operators make what flash takes where /schedule/page_to says so. Errors: as
/// lower_step(), and the meter's.
StepModel model_step(const TrainingGraph& training, const RootConfig& config,
                     const StepMeter& meter = {});

/// What a program of the step takes in the L2 of `config`, which may be another one than the
/// model's. kLargestL2, which stands for room enough, leaks as the model's.
Prediction prediction_of(const StepModel& model, const RootConfig& config, const Program& program);

/// The budget in bytes: more than 1 is bytes, else a part of what keep needs. Errors: UserError at
/// `where` for other numbers.
Bytes budget_of(double budget, const compiler::ScheduleProblem& problem, const std::string& where);

/// The same word in the compiler's terms.
compiler::ScheduleObjective objective_of(ScheduleConfig::Objective objective);

}  // namespace etude::run
