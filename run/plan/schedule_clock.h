// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/schedule/schedule_answer.h"
#include "run/plan/schedule_home.h"
#include "run/plan/step_model.h"
#include "sim/config/root_config.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// Whether an objective is one of time.
bool is_timed(compiler::ScheduleObjective objective);
/// Whether times decide what a request is answered, so that they are worth lowering for.
bool is_timed(const compiler::ScheduleRequest& request);

/// Says what schedules of a step's problem take: lowers each with its objects within `budget` (or
/// what L2 leaves) and predicts its program. All that is given but `at` must outlive it.
compiler::ScheduleClock clock_of(const TrainingGraph& training, const RootConfig& config,
                                 const StepModel& model, const StepAtHome& at,
                                 std::optional<Bytes> budget);

}  // namespace etude::run
