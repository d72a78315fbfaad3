// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/schedule_problem.h"
#include "run/plan/schedule_step.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// What is scheduled: a problem, and what is known of where it comes from.
struct ScheduleSubject {
  compiler::ScheduleProblem problem;
  std::optional<RootConfig> config;
  std::optional<Bytes> l2_fixed;  ///< of a configuration on its own platform
  std::optional<Bytes> room;      ///< the budget if none is given
  std::string device;             ///< name of the cost table, if one is used
  unsigned batch = 0;             ///< samples of a step; 0: not known
  /// The same step as passes over `batch / parts` samples each, which accumulate their gradients:
  /// the problem of one pass. Null where the batch cannot be split.
  std::function<compiler::ScheduleProblem(unsigned parts)> pass;
  /// Operations on a cost table: those of all passes over the graph and of each kind of operator.
  nlohmann::ordered_json flop;
  std::vector<std::string> warnings;
};

/// Reads what a question is about: a graph with its costs (--device GRAPH.json), a configuration on
/// its own platform, or a configuration or network by its name on a cost table (--device
/// TABLE.json). Writes --write-graph's file. Errors: UserError.
ScheduleSubject schedule_subject(const ScheduleQuestion& question);

}  // namespace etude::run
