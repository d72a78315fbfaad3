// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/schedule/event_schedule.h"
#include "compiler/schedule/replay.h"
#include "workloads/graph/graph.h"

namespace etude::run {

/// What the tensors and operators of a problem are called in a picture, by their names; empty for
/// a graph with its costs, whose kinds follow from who makes what.
struct PictureNames {
  std::map<std::string, std::string> kinds;   ///< of tensors
  std::map<std::string, std::string> phases;  ///< of operators

  PictureNames() = default;
  explicit PictureNames(const Graph& graph);
};

/// Adds what a picture of a schedule needs to an answer: `slots` (name, phase, start_s, seconds,
/// bytes at the slot's peak by kind) and `tensors` (name, bytes, kind, cells). Cells are the states
/// of a tensor by slot, runs of one state joined: "c3 k4-20 o21-22" is computed in slot 3, kept to
/// 20, paged out in 21 and 22; also r, recomputed, and i, paged in. Nothing without a schedule.
void add_picture(nlohmann::ordered_json& answer, const compiler::ScheduleProblem& problem,
                 const compiler::EventSchedule& schedule, const compiler::Replay& replay,
                 const PictureNames& names);

}  // namespace etude::run
