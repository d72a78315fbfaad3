// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "run/plan/step_meter.h"

namespace etude::run {

/// What `etude-sim schedule` is asked; what is absent comes from the configuration, then from the
/// defaults (policy optimal, energy, one minute).
struct ScheduleQuestion {
  std::string config;  ///< or a network's name; may be empty where the device holds slots
  std::vector<std::string> sets;
  std::string device;                ///< a graph with its costs (docs/schedule.md), or a cost table
  std::optional<unsigned> batch;     ///< samples of a step of a configuration or network
  std::optional<std::string> graph;  ///< of a counted network: published or corrected
  std::optional<std::string> write_graph;  ///< file for a counted network's graph with its costs
  std::optional<std::string> policy, objective, page_to;
  std::optional<double> budget;  ///< bytes; at most 1: a part of what keep needs
  std::optional<double> deadline, time_limit;
  bool compare = false;  ///< every policy
  std::string out;       ///< a file for the schedule; empty: none
  StepMeter meter;       ///< runs the step that costs are taken from; without it: modelled
};

/// Answers as contract fields: one object of status, overhead, bound, gap, objective, energy_j,
/// time_s, peak_bytes, solve_s, recomputed, paged, replay and more, or {"policies": [...]} of them.
/// Where what operators make is paged to flash, `wear` says how long that lasts. /schedule/file:
/// the schedule of that file, not searched for. Writes the schedule to `out` if one was found. An
/// infeasible one has `needs` where something would do, and `reason`. Errors: UserError for what
/// the user gave or what is not available.
nlohmann::ordered_json schedule_step(const ScheduleQuestion& question);

}  // namespace etude::run
