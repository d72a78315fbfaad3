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
  std::string config;  ///< may be empty where the device holds slots
  std::vector<std::string> sets;
  std::string device;  ///< a graph with its costs (docs/schedule.md)
  std::optional<std::string> policy, objective;
  std::optional<double> budget;  ///< bytes; at most 1: a part of what keep needs
  std::optional<double> deadline, time_limit;
  bool compare = false;  ///< every policy
  StepMeter meter;       ///< runs the step that costs are taken from; without it: modelled
};

/// Answers as contract fields: one object of status, overhead, bound, gap, objective, energy_j,
/// time_s, peak_bytes, solve_s, recomputed, paged, replay and more, or {"policies": [...]} of them.
/// An infeasible one has `needs`. Errors: UserError for what the user gave or what is not
/// available.
nlohmann::ordered_json schedule_step(const ScheduleQuestion& question);

}  // namespace etude::run
