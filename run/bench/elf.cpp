// SPDX-License-Identifier: Apache-2.0
#include "run/bench/elf.h"

#include <algorithm>
#include <cstdio>

#include "models/base/error.h"
#include "run/bench/elf_files.h"
#include "sim/config/load.h"
#include "sim/debug/gdb_server.h"

namespace etude::run {
namespace {

// ISA-test programs say where they belong: they have a tohost symbol and load at 0x80000000.
bool is_htif(const ElfFile& elf) {
  return elf.symbol("tohost") && elf.segments().front().base.raw() >> 28 == 8;
}

// Segments must lie in memory that the platform has: found here, so that the message names the
// file.
void check_segments(const ElfFile& elf, const PlatformConfig& platform, const std::string& file) {
  const AddressMap map(platform);
  for (const ElfSegment& segment : elf.segments()) {
    const std::uint32_t first = segment.base.raw();
    const std::uint32_t last = first + static_cast<std::uint32_t>(segment.bytes.size()) - 1;
    for (const std::uint32_t address : {first, last}) {
      const Route route = map.route(address).route;
      if (route != Route::kTcdm && route != Route::kFlat && route != Route::kExternal &&
          route != Route::kMarker) {
        char number[16];
        std::snprintf(number, sizeof number, "0x%08x", address);
        throw UserError(file,
                        std::string("loads at ") + number + ", where the platform has no memory",
                        "link it for the platform's memory map or name another --platform");
      }
    }
  }
}

}  // namespace

ProgramResult run_program(const ElfRequest& request, const std::function<void(char)>& console) {
  const ElfFile elf = ElfFile::load(request.file);
  std::string preset = request.platform;
  std::vector<std::string> sets = request.sets;
  if (preset.empty()) {
    preset = is_htif(elf) ? "platform/htif_single.json" : "platform/siracusa_redmule.json";
  }
  if (std::none_of(sets.begin(), sets.end(), [](const std::string& s) {
        return s.rfind("/platform/cluster/controller=", 0) == 0;
      })) {
    sets.insert(sets.begin(), "/platform/cluster/controller=false");
  }
  const PlatformConfig platform = load_platform(preset, sets);
  check_segments(elf, platform, request.file);
  EngineOptions options;
  options.lockstep = request.lockstep;
  if (request.max_cycles != 0) {
    options.max_cycles = Cycle{request.max_cycles};
  }
  options.account_of_failure = true;  // warnings explain failures, too
  options.console = console;
  std::optional<GdbServer> gdb;
  if (request.gdb_port) {
    options.debugger = &gdb.emplace(static_cast<std::uint16_t>(*request.gdb_port), request.tell);
  }
  ProgramResult result;
  std::optional<InstructionLog> log;
  std::optional<Timeline> timeline;
  if (request.log_range.hart && *request.log_range.hart >= platform.cluster.harts()) {
    throw UserError("--insn-core", std::to_string(*request.log_range.hart) + " is no core",
                    "the platform has 0 to " + std::to_string(platform.cluster.harts() - 1));
  }
  const ProgramFiles files(request);
  if (request.profile || files.wanted()) {
    result.profile = std::make_unique<ProgramProfile>(elf, request.file, platform.cluster.harts());
    options.observers = result.profile->observers();
  }
  if (!request.trace_file.empty()) {
    options.timeline = &timeline.emplace();
    timeline->title = std::filesystem::path(request.file).filename().string();
    timeline->clock_hz = platform.cluster.clock_hz;
    for (unsigned h = 0; h < result.profile->harts(); ++h) {
      result.profile->hart(h).keep_spans();
    }
  }
  if (!request.log_file.empty()) {
    log.emplace(*result.profile, request.log_file, request.log_range);
  }
  static_cast<ElfResult&>(result) = run_elf(platform, elf, options);
  for (std::size_t h = 0; h < result.record.instructions.size(); ++h) {
    result.harts.push_back(result.record.units[h].name);  // harts come first
  }
  if (gdb) {
    const RunRecord& record = result.record;
    gdb->ended(record.error.empty() ? std::optional(record.exit_status) : std::nullopt);
  }
  if (result.profile) {
    for (std::string& text : result.profile->warnings()) {
      result.record.warnings.push_back(std::move(text));
    }
  }
  if (log) {
    log->finish();
  }
  files.write(result, timeline ? &*timeline : nullptr);
  return result;
}

nlohmann::ordered_json program_json(const ProgramResult& result) {
  const RunRecord& record = result.record;
  nlohmann::ordered_json out;
  if (record.error.empty()) {
    out["exit"] = record.exit_status;
  } else {
    out["exit"] = nullptr;
    out["error"] = record.error;
  }
  out["cycles"] = record.cycles.raw();
  out["instructions"] = record.instructions;
  auto& stalls = out["stalls"] = nlohmann::ordered_json::object();
  for (unsigned r = 0; r < kStallReasons; ++r) {
    const char* name = stall_name(static_cast<StallReason>(r));
    auto& row = stalls[name] = nlohmann::ordered_json::array();
    for (std::size_t hart = 0; hart < record.instructions.size(); ++hart) {
      const auto& reasons = record.units[hart].stalls;  // harts come first
      const auto found = reasons.find(name);
      row.push_back(found == reasons.end() ? 0 : found->second);
    }
  }
  out["counters"] = record.counters;
  if (!result.markers.empty()) {
    const Marker* start = nullptr;
    for (const Marker& marker : result.markers) {
      if (marker.offset == 0) {
        start = &marker;
      } else if (marker.offset == 4 && start != nullptr) {
        out["marker_cycles"].push_back(marker.when.raw() - start->when.raw());
        out["marker_instructions"].push_back(marker.instructions - start->instructions);
      }
    }
  }
  out["stepped_cycles"] = record.stepped_cycles;
  out["mcycles_per_s"] = record.engine_seconds > 0 ? static_cast<double>(record.stepped_cycles) /
                                                         record.engine_seconds / 1e6
                                                   : 0.0;
  if (result.profile) {
    add_profile(*result.profile, out);
  }
  if (!record.warnings.empty()) {
    out["warnings"] = record.warnings;
  }
  return out;
}

}  // namespace etude::run
