// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/schedule_answer.h"
#include "run/plan/schedule_subject.h"

namespace etude::run {

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
Accumulated accumulate_gradients(const ScheduleSubject& subject,
                                 const compiler::ScheduleRequest& request);

}  // namespace etude::run
