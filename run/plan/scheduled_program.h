// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/schedule/schedule_answer.h"
#include "program/program.h"
#include "run/plan/step_meter.h"
#include "run/plan/step_model.h"
#include "sim/config/root_config.h"
#include "sim/report/facts.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// A program, and what it carries out if that is not to keep everything.
struct ScheduledProgram {
  Program program;
  std::optional<ScheduleFacts> facts;
};

/// Lowers a training step by the policy of a configuration, or the schedule of its file (which
/// take_schedule_file() has seen), within its budget of L2. Policies that
/// solve a problem (docs/schedule.md) have parameters and inputs at home in HyperRAM; if what they
/// chose finds no place in the budget, they are asked again for a smaller one, and a warning says
/// how often. `meter`: runs the step that keeps everything; without it costs are modelled.
/// Errors: UserError where nothing fits, naming the operator and its bytes, or the deadline that
/// would do; as lower_step(), and the meter's.
ScheduledProgram scheduled_program(const TrainingGraph& training, const RootConfig& config,
                                   const StepMeter& meter = {});

/// An answer with the program that carries it out.
struct CarriedOut {
  Program program;
  compiler::ScheduleAnswer answer;  ///< the last one
  unsigned solved = 1;              ///< times that the problem was solved
  Prediction predicted;
};

/// Carries out what a policy answers to a request with a budget. `answer`: its answer, or nothing.
/// The policy is asked (again) for a smaller budget where what it chose finds no place, and for an
/// earlier deadline where the step is predicted to miss it. Errors: as scheduled_program().
CarriedOut carry_out(const TrainingGraph& training, const RootConfig& config,
                     const StepModel& model, ScheduleConfig::Policy policy,
                     compiler::ScheduleRequest request,
                     std::optional<compiler::ScheduleAnswer> answer = {});

/// Carries out the answer of /schedule/file as it is. Errors: as scheduled_program().
CarriedOut carry_out_file(const TrainingGraph& training, const RootConfig& config,
                          const StepModel& model, compiler::ScheduleAnswer answer);

}  // namespace etude::run
