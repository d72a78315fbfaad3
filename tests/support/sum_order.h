// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "sim/config/platform_config.h"
#include "sim/config/workload_config.h"
#include "workloads/training/training_graph.h"

namespace etude::test {

/// What was compared, and what differed.
struct OrderReport {
  unsigned programs = 0;    ///< that were compared with the step that keeps everything
  unsigned refused = 0;     ///< that do not fit, as a UserError says
  std::string differences;  ///< a line each: the case, and the tensors whose bits differ
};

/// Lowers one step with parameters in either memory, in small and large L2s, with other ways of
/// sharing L1, and with `schedules` random schedules; in each, one step on drawn data has to leave
/// the bits that the step does which keeps everything with home auto in an L2 of its own size.
OrderReport compare_orders(const TrainingGraph& training, PlatformConfig platform,
                           TrainConfig::Precision precision, std::uint64_t seed,
                           unsigned schedules);

/// The platform of a random step: an array of the step's format where it may use one.
PlatformConfig platform_for(TrainConfig::Precision precision, bool redmule, unsigned l1_kib,
                            unsigned cores);

}  // namespace etude::test
