// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "models/base/error.h"
#include "program/program.h"
#include "run/plan/schedule_home.h"
#include "run/plan/step_model.h"
#include "sim/config/root_config.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// An answer with the program that carries it out.
struct CarriedOut {
  Program program;
  compiler::ScheduleAnswer answer;  ///< the last one
  unsigned solved = 1;              ///< times that the problem was solved
  Prediction predicted;
};

/// Carries out what the policy of a configuration answers to a request with a budget. `answer`: its
/// answer, which holds to the limits. A policy that looks at limits is asked again for a smaller
/// budget where what it chose finds no place, and for an earlier deadline where the step is
/// predicted to miss it; the answer may be late all the same. Errors: as lower_step();
/// UserError if flash has no room for its pages.
CarriedOut carry_out(const TrainingGraph& training, const RootConfig& config,
                     const StepModel& model, const StepAtHome& at,
                     compiler::ScheduleRequest request, compiler::ScheduleAnswer answer);

/// Carries out the answer of /schedule/file as it is, in `budget` bytes if there are any. Errors:
/// the same.
CarriedOut carry_out_file(const TrainingGraph& training, const RootConfig& config,
                          const StepModel& model, const StepAtHome& at,
                          compiler::ScheduleAnswer answer, std::optional<Bytes> budget);

/// Carries out what an answer runs again, in `budget` bytes; what is at home in HyperRAM comes as
/// it does without a schedule. Errors: as lower_step().
CarriedOut carry_out_segments(const TrainingGraph& training, const RootConfig& config,
                              const StepModel& model, const StepAtHome& at, Bytes budget,
                              compiler::ScheduleAnswer answer);

/// Errors: UserError in the words of the configuration for an answer without a schedule that holds
/// to the limits, naming the operator and its bytes, or the deadline that would do.
void check_found(const compiler::ScheduleAnswer& answer, const compiler::ScheduleRequest& request);

}  // namespace etude::run
