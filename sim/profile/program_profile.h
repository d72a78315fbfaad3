// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sim/profile/hart_profile.h"
#include "sim/profile/program_map.h"

namespace etude {

/// The profiles of all harts of a run and the program that they ran.
class ProgramProfile {
 public:
  /// `path` is the file of `elf`; `harts` is the number of harts.
  ProgramProfile(const ElfFile& elf, const std::filesystem::path& path, unsigned harts);

  const ProgramMap& map() const { return map_; }
  HartProfile& hart(unsigned h) { return harts_[h]; }
  const HartProfile& hart(unsigned h) const { return harts_[h]; }
  unsigned harts() const { return static_cast<unsigned>(harts_.size()); }
  /// For EngineOptions::observers.
  std::vector<CoreObserver*> observers();

  /// Costs of a hart by function (index of the map) and source line. The sum is all its cycles.
  using Lines = std::map<std::uint32_t, std::map<SourceLine, Cost>>;
  Lines lines(unsigned h) const;

  /// Costs of all harts by region; `path` has the numbers of the regions around it, its own last.
  struct Region {
    std::vector<std::uint32_t> path;
    std::uint64_t passes{0};
    Cost inclusive;
  };
  std::vector<Region> regions() const;
  /// "outer/inner".
  std::string region_name(const Region& region) const;
  /// What is wrong with the program's marks of regions; empty: nothing.
  std::vector<std::string> warnings() const;

 private:
  ProgramMap map_;
  std::vector<HartProfile> harts_;
};

/// The profile in callgrind's format: events cycles, busy and each stall reason; a part with a
/// thread (hart + 1) for each hart. `command` is what ran. Format: valgrind's manual, "Callgrind
/// Format Specification".
std::string callgrind_text(const ProgramProfile& profile, const std::string& command);

/// One line for each chain of calls, "core0;main;work 1234", cycles without callees';
/// `names` are those of the harts. Regions stand in brackets.
std::string collapsed_text(const ProgramProfile& profile, const std::vector<std::string>& names);

}  // namespace etude
