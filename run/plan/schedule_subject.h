// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/plan/accumulated.h"
#include "run/plan/schedule_picture.h"
#include "run/plan/schedule_step.h"
#include "run/plan/step_model.h"
#include "run/plan/table_subject.h"

namespace etude::run {

/// A configuration's step on its own platform.
struct OwnStep {
  TrainingGraph training;
  StepModel model;
  bool home_in_l2 = false;  ///< the problem is that of parameters at home in L2
};

/// What a question is about: a graph with its costs, a network on a cost table, or a configuration
/// on its own platform.
struct ScheduleSubject {
  compiler::ScheduleProblem problem;
  std::optional<RootConfig> config;
  std::optional<TableSubject> table;
  std::optional<OwnStep> own;
  BatchParts parts;
  PictureNames picture;
  std::optional<Bytes> l2_fixed;  ///< of a step on its own platform
  std::optional<Bytes> room;      ///< the budget if none is given
  std::vector<std::string> warnings;

  /// The configuration whose memories pages go to; null where a table or a file has the costs.
  const RootConfig* priced() const { return own ? &*config : nullptr; }
};

/// Reads it. A schedule file's words are taken into the configuration, --page-to, too. The problem
/// of a configuration is that of parameters at home in HyperRAM. Errors: UserError.
ScheduleSubject schedule_subject(const ScheduleQuestion& question);

}  // namespace etude::run
