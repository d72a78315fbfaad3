// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/plan/step_answer.h"

namespace etude::run {

/// As answer_step(), but where the platform's L2 cannot give what a budget says: then for an L2 of
/// budget + StepAnswer::l2_fixed(), in which a run of the same question gets the same answer, with
/// a warning that names it. Errors: as answer_step(), if no L2 would do.
StepAnswer answer_in_some_l2(const TrainingGraph& training, const RootConfig& config,
                             const StepModel& model, const AnswerOptions& options);

}  // namespace etude::run
