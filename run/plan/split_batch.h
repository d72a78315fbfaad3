// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "run/plan/schedule_subject.h"
#include "run/plan/step_answer.h"

namespace etude::run {

/// A step in passes over equal parts of its batch, whose gradients are added up.
struct SplitBatch {
  unsigned parts = 1;
  RootConfig config;  ///< of a pass: its samples, all passes in /train/accumulate, its deadline
  OwnStep own;
  StepAnswer found;     ///< with a program; refers to what is above
  std::string warning;  ///< what was done
};

/// The best passes, by the objective of /schedule, over 2, 3, 4... equal parts of a batch that no
/// schedule holds as a whole: every part that divides it, each by an optimal schedule. Null where
/// the user has said what has to hold (a budget, a file, another policy than optimal), where
/// batches are not ours to split (an ONNX file), or where no pass fits. Errors: the meter's.
std::unique_ptr<SplitBatch> split_batch(const RootConfig& config, const StepMeter& meter,
                                        const AnswerOptions& options = {});

}  // namespace etude::run
