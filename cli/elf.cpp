// SPDX-License-Identifier: Apache-2.0
// etude-sim elf: any bare-metal RV32 program on the modelled cores.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "models/base/error.h"
#include "sim/config/load.h"
#include "sim/engine/run.h"

namespace etude::cli {
namespace {

struct ElfArguments {
  std::string file;
  std::string platform;
  std::vector<std::string> sets;
  std::uint64_t max_cycles = 0;
  std::string engine = "fast";
  bool json = false;
};

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

nlohmann::ordered_json report(const ElfResult& result) {
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
  if (!record.warnings.empty()) {
    out["warnings"] = record.warnings;
  }
  return out;
}

int run(const ElfArguments& arguments) {
  const ElfFile elf = ElfFile::load(arguments.file);
  std::string preset = arguments.platform;
  std::vector<std::string> sets = arguments.sets;
  if (preset.empty()) {
    preset = is_htif(elf) ? "platform/htif_single.json" : "platform/siracusa_redmule.json";
  }
  if (std::none_of(sets.begin(), sets.end(), [](const std::string& s) {
        return s.rfind("/platform/cluster/controller=", 0) == 0;
      })) {
    sets.insert(sets.begin(), "/platform/cluster/controller=false");
  }
  const PlatformConfig platform = load_platform(preset, sets);
  check_segments(elf, platform, arguments.file);
  EngineOptions options;
  options.lockstep = arguments.engine == "lockstep";
  if (arguments.max_cycles != 0) {
    options.max_cycles = Cycle{arguments.max_cycles};
  }
  options.account_of_failure = true;  // warnings explain failures, too
  // With --json the report owns stdout.
  std::ostream& console = arguments.json ? std::cerr : std::cout;
  options.console = [&console](char c) { console.put(c); };
  const ElfResult result = run_elf(platform, elf, options);
  console.flush();
  for (const std::string& warning : result.record.warnings) {
    std::cerr << "warning: " << warning << '\n';
  }
  if (arguments.json) {
    std::cout << report(result).dump() << '\n';
  }
  if (!result.record.error.empty()) {
    throw ProgramError(result.record.error);
  }
  return result.record.exit_status;
}

}  // namespace

void add_elf(CLI::App& app, int& status) {
  auto arguments = std::make_shared<ElfArguments>();
  auto* command =
      app.add_subcommand("elf", "Run a bare-metal RV32 program; exit status is the program's");
  command->add_option("FILE", arguments->file, "ELF executable")->required();
  command->add_option("--platform", arguments->platform,
                      "platform preset (default by the ELF's memory map)");
  command->add_option("--set", arguments->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_option("--max-cycles", arguments->max_cycles,
                      "stop with status 3 after so many cycles");
  command->add_option("--engine", arguments->engine, "fast or lockstep")
      ->check(CLI::IsMember({"fast", "lockstep"}));
  command->add_flag("--json", arguments->json, "print the account as one JSON line");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace etude::cli
