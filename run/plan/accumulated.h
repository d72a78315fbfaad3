// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "compiler/schedule/schedule_answer.h"
#include "run/plan/step_meter.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// A batch that may be done in equal parts.
struct BatchParts {
  unsigned batch = 0;  ///< samples of a step; 0: not known
  /// The problem of one pass of so many, which accumulate their gradients; null where the batch
  /// cannot be split.
  std::function<compiler::ScheduleProblem(unsigned parts)> pass;
};

/// The configuration of one pass of so many over a part of its batch.
RootConfig pass_of(RootConfig config, unsigned parts);

/// The parts of a configuration's batch on its own platform; `meter` as in model_step().
BatchParts parts_of(const RootConfig& config, const StepMeter& meter);

/// A step as passes over parts of its batch, one after the other, that accumulate their gradients.
struct Accumulated {
  unsigned parts = 1;
  bool keeps = true;  ///< each pass keeps everything; else it follows an optimal schedule
  /// Schedule and peak are of one pass, energy and time of all; the overhead is that above the
  /// whole batch kept.
  compiler::ScheduleAnswer answer;
  compiler::ScheduleProblem problem;  ///< of one pass, which the answer's tensors are of
};

/// The best of them: the batch in 2, 3, 4... equal parts, until a pass fits that keeps everything.
/// Infeasible with a note where the batch cannot be split or nothing fits. The deadline is that of
/// all passes; each search may take the request's time.
Accumulated accumulate_gradients(const BatchParts& of, const compiler::ScheduleProblem& whole,
                                 const compiler::ScheduleRequest& request);

}  // namespace etude::run
