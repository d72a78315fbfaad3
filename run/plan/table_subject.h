// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "run/plan/accumulated.h"
#include "run/plan/schedule_step.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// What is scheduled on a cost table.
struct TableSubject {
  compiler::ScheduleProblem problem;
  std::optional<RootConfig> config;  ///< none for a counted network by its name
  std::string device;                ///< name of the cost table
  std::optional<Bytes> memory;       ///< of the device, where its table says so
  BatchParts parts;
  /// Operations: those of all passes over the graph, and of each kind of operator.
  nlohmann::ordered_json flop;
  nlohmann::ordered_json graph;  ///< with its costs, where --write-graph asks for it
  std::vector<std::string> warnings;
};

/// The configuration or network that a question is about on the cost table that --device names, or
/// nothing if it names none. Errors: UserError, also for options that are of cost tables alone.
std::optional<TableSubject> table_subject(const ScheduleQuestion& question);

/// What --write-graph's file holds, or nothing where there is none or the question has no answer.
std::string graph_file(const std::optional<TableSubject>& subject,
                       const nlohmann::ordered_json& answer);

/// The settings of a question, with its --batch. Errors: UserError for one that is no number of
/// samples.
std::vector<std::string> sets_of(const ScheduleQuestion& question);

}  // namespace etude::run
