// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "program/program.h"
#include "run/plan/lone_database.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// Runs a pass that a function makes, where there is a simulator. Errors: as StepMeter.
using PassMeter = std::function<MeasuredPass(const std::function<PassMessage()>&)>;

/// What the posted operations of a task list take by themselves.
struct ProgramCosts {
  static constexpr std::uint32_t kNone = ~0u;
  std::vector<std::uint32_t> of;  ///< of each operation, in `shapes`; kNone: a wait, the end
  std::vector<LoneCosts> shapes;  ///< in the order in which the list first has them
  std::uint64_t measured = 0;     ///< shapes that the database did not have
};

/// Looks the operations of a task list up, and has those that are not there measured, each
/// in a child of its own; they are then in the database. Errors: as lone_operation(), the
/// database's and the meter's.
ProgramCosts costs_of_program(const Program& program, const PlatformConfig& platform,
                              LoneDatabase& database, const PassMeter& meter);

}  // namespace etude::run
