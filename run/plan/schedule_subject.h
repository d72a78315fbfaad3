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
};

/// What a question is about: a graph with its costs, a network on a cost table, or a configuration
/// on its own platform.
struct ScheduleSubject {
  compiler::ScheduleProblem problem;  ///< not of a step on its own platform
  std::optional<RootConfig> config;
  std::optional<TableSubject> table;
  std::optional<OwnStep> own;
  BatchParts parts;
  PictureNames picture;
  std::vector<std::string> warnings;
};

/// Reads it. A schedule file's words are taken into the configuration, and so are those of the
/// question; of a step on its own platform, the policy is optimal where both say keep or nothing.
/// Errors: UserError.
ScheduleSubject schedule_subject(const ScheduleQuestion& question);

}  // namespace etude::run
