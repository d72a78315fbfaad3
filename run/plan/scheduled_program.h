// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/lower/written_steps.h"
#include "compiler/operators/packed_weights.h"
#include "program/program.h"
#include "run/plan/step_answer.h"
#include "run/plan/step_meter.h"
#include "sim/config/root_config.h"
#include "sim/report/facts.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// A program, and what it carries out if anything was asked of a schedule.
struct ScheduledProgram {
  Program program;
  std::optional<ScheduleFacts> facts;
};

/// Whether nothing is asked of a schedule: the policy `keep`, and no other word.
bool is_plain(const ScheduleConfig& schedule);

/// An answer that has a program, as what runs carry out. Errors: as check_found() where it has
/// none.
ScheduledProgram scheduled_program(const RootConfig& config, StepAnswer found);

/// Lowers a training step by the policy of a configuration, or the schedule of its file (which
/// take_schedule_file() has seen), as answer_step() decides. `meter`: runs the step that keeps
/// everything; without it costs are modelled. The policy `keep` without a budget or any other word
/// of /schedule needs neither.
/// `written`: where nothing is asked of a schedule, what is kept for another lowering of the step.
/// Errors: UserError where nothing fits, naming the operator and its bytes, or the deadline that
/// would do; as lower_step(), and the meter's. `packed`: of a plain `keep` only.
ScheduledProgram scheduled_program(const TrainingGraph& training, const RootConfig& config,
                                   const StepMeter& meter = {},
                                   const compiler::PackedWeights& packed = {},
                                   compiler::WrittenSteps* written = nullptr);

}  // namespace etude::run
