// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/lower/lower.h"
#include "run/plan/step_model.h"

namespace etude::run {

/// Seconds of a prediction on a configuration's clock.
double seconds_of(const Prediction& predicted, const RootConfig& config);

/// Lowers what `policy` chooses once more with its objects in each tenth of `keep` (bytes that keep
/// needs) that is at least `peak` and less than the budget of `options`, because more room does not
/// always make the faster program. Takes the fastest in place of `program` and `predicted`, and
/// returns whether one was faster.
bool lower_in_less(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
                   const compiler::SchedulePolicy& policy, compiler::LowerOptions options,
                   Bytes keep, Bytes peak, Program& program, Prediction& predicted);

}  // namespace etude::run
