// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "program/program.h"
#include "run/plan/step_meter.h"
#include "sim/config/platform_config.h"

namespace etude::run {

/// What the controller takes for the operations of a task list, in cycles from taking one up to
/// taking up the next. The values here are medians over steps of the built-in networks.
struct ControllerWork {
  double start = 0;  ///< before its first operation, besides what follows
  double kernel = 70, job = 125, transfer = 100, page = 200;  ///< to post one
  /// To go on from a wait for each unit (TaskUnit): if that is far enough, and from the moment at
  /// which it is.
  std::array<double, kUnits> seen{45, 105, 40, 80}, woken{105, 165, 100, 140};
  double full = 30;       ///< to go on where a queue was full
  double fetch = 60;      ///< to ask for the next operations of the list
  double list_late = 60;  ///< to go on where these had to be waited for
  /// Whether the list waits where kernels still read their arguments in its ring. The correction of
  /// the model tier was fitted without.
  bool ring_waits = false;
};

/// Operations that a unit's queue takes, the one at work among them. MCHAN has one for each
/// direction, and holds up who programs a second transfer ahead.
unsigned queue_room(TaskUnit unit, const ClusterConfig& cluster);

/// The controller's work as it was seen in a measured pass over a program's list: means of the
/// operations that nothing held up. What the pass did not show stays as it is above.
ControllerWork measured_work(const Program& program, const std::vector<OperationSpan>& spans,
                             const ClusterConfig& cluster);

}  // namespace etude::run
