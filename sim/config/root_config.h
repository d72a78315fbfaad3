// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "sim/config/energy_config.h"
#include "sim/config/platform_config.h"
#include "sim/config/run_config.h"
#include "sim/config/workload_config.h"

namespace etude {

/// One run, resolved: what a root JSON file says, with every default filled in.
struct RootConfig {
  PlatformConfig platform;
  WorkloadConfig workload;
  TrainConfig train;
  ScheduleConfig schedule;
  TilingConfig tiling;
  EnergyConfig energy;
  RunConfig run;
  std::set<std::string> given;  ///< JSON pointers that the user or a file set; not in the hash

  /// True if the user, or a file, gave the key (for keys that something else may fix).
  bool is_given(const std::string& pointer) const { return given.count(pointer) != 0; }
};

}  // namespace etude
