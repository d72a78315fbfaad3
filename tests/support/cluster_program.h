// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sim/config/platform_config.h"

namespace etude::test {

/// The recorded programs of a whole cluster (reference/cluster_rtl), built as their record says;
/// the ELF files are kept in the build folder by content.
class ClusterPrograms {
 public:
  /// `folder` holds the sources beside markers.csv.
  explicit ClusterPrograms(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The ELF file of `name`: vadd, mm65, r17...; built if it is not there. Throws
  /// std::runtime_error if that fails.
  std::filesystem::path elf(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

/// A word store of a core to its marker address.
struct ClusterMarker {
  std::uint32_t value;
  std::int64_t cycle;  ///< of its grant, from core 0's first marker on
  bool operator==(const ClusterMarker&) const = default;
};

/// What a run of a recorded program gave.
struct ClusterRun {
  std::vector<std::vector<ClusterMarker>> markers;  ///< of each core, in order
  std::uint64_t cycles{0};                          ///< from reset to the end
  std::uint64_t private_misses{0};                  ///< of the instruction cache
};

/// Runs `elf` on the modelled cluster, each call in a process of its own. `watched` reads the
/// markers, for which the cores take no short cuts; without it only `cycles` and counters are told.
ClusterRun run_cluster_program(const PlatformConfig& platform, const std::filesystem::path& elf,
                               bool lockstep, bool watched);

}  // namespace etude::test
