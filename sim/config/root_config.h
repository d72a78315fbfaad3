// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/config/compress_config.h"
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
  CompressConfig compress;
  EnergyConfig energy;
  RunConfig run;
  /// Files that the file of a key names in turn (external data of an ONNX model), by the key's
  /// pointer: they count in the hash of that file.
  std::map<std::string, std::vector<std::string>> parts;
  std::set<std::string> given;  ///< JSON pointers that the user or a file set; not in the hash

  /// True if the user, or a file, gave the key (for keys that something else may fix).
  bool is_given(const std::string& pointer) const { return given.count(pointer) != 0; }
};

}  // namespace etude
