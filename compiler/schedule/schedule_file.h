// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/event_schedule.h"
#include "sim/config/workload_config.h"

namespace etude::compiler {

/// A schedule as a compact file: what runs again in front of which slot, what is paged when, and
/// what it was made for. When storages are given up follows from that (with_lifetimes()).
/// Format: docs/schedule.md.
struct ScheduleFile {
  /// The first byte behind the magic word; larger ones are refused.
  static constexpr std::uint8_t kVersion = 1;
  ScheduleConfig::Policy policy{};
  ScheduleConfig::Objective objective{};
  ScheduleConfig::PageTo page_to{};
  std::optional<Bytes> budget;  ///< that it was made for
  EventSchedule schedule;
  std::uint64_t graph = 0;  ///< graph_number() of its problem, where it was read
};

/// A number for slots, storages, who reads and makes them, and their sizes; costs do not count.
std::uint64_t graph_number(const ScheduleProblem& problem);

/// The bytes of a file: the same for the same schedule.
std::vector<std::uint8_t> write_schedule(const ScheduleProblem& problem, const ScheduleFile& file);

/// What a file is for, without its schedule. Errors: UserError at `where` for bytes that are no
/// schedule, are cut off, changed in any bit, or of a newer version.
ScheduleFile read_schedule_head(const std::vector<std::uint8_t>& bytes, const std::string& where);

/// The schedule of a file for `problem`. What it says is possible: slots and storages that there
/// are, operators that may run again; whether it works out is for replay() to say. Errors: as
/// above, and for a schedule of another graph.
ScheduleFile read_schedule(const std::vector<std::uint8_t>& bytes, const ScheduleProblem& problem,
                           const std::string& where);

}  // namespace etude::compiler
