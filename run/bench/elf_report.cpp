// SPDX-License-Identifier: Apache-2.0
#include "run/bench/elf_report.h"

#include <algorithm>
#include <filesystem>

#include "run/bench/elf_files.h"
#include "sim/report/text.h"

namespace etude::run {
namespace {

using Stalls = std::vector<std::pair<std::string, std::uint64_t>>;

constexpr std::size_t kMostFunctions = 8;

/// "event_wait 40.1 %, load_use 3.2 %": the largest, as parts of `cycles`.
std::string largest(Stalls stalls, std::uint64_t cycles) {
  constexpr std::size_t kMost = 3;
  std::ranges::stable_sort(stalls,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (std::size_t i = 0; i < stalls.size() && i < kMost && stalls[i].second != 0; ++i) {
    text += (i == 0 ? "" : ", ") + stalls[i].first + " " +
            percent(static_cast<double>(stalls[i].second) / static_cast<double>(cycles));
  }
  return text.empty() ? "-" : text;
}

std::string part(std::uint64_t number, std::uint64_t all) {
  return all == 0 ? "-" : percent(static_cast<double>(number) / static_cast<double>(all));
}

std::string ratio(std::uint64_t number, std::uint64_t all) {
  return all == 0 ? "-" : fixed(static_cast<double>(number) / static_cast<double>(all), 2);
}

std::string core_table(const RunRecord& record) {
  TextTable table({"core", "instructions", "IPC", "busy", "<largest stalls"});
  for (std::size_t h = 0; h < record.instructions.size(); ++h) {
    const UnitRecord& unit = record.units[h];
    table.add({unit.name, with_commas(record.instructions[h]),
               ratio(record.instructions[h], record.cycles.raw()),
               part(unit.busy, record.cycles.raw()),
               largest(Stalls(unit.stalls.begin(), unit.stalls.end()), record.cycles.raw())});
  }
  return table.text();
}

std::string unit_table(const RunRecord& record) {
  TextTable table({"unit", "busy cycles", "busy", "<largest stalls"});
  for (std::size_t u = record.instructions.size(); u < record.units.size(); ++u) {
    const UnitRecord& unit = record.units[u];
    Stalls stalls(unit.stalls.begin(), unit.stalls.end());
    std::erase_if(stalls, [](const auto& stall) { return stall.first == "idle"; });
    table.add({unit.name, with_commas(unit.busy), part(unit.busy, record.cycles.raw()),
               largest(stalls, record.cycles.raw())});
  }
  return table.empty() ? "" : "\n" + table.text();
}

Stalls stalls_of(const nlohmann::ordered_json& row) {
  Stalls stalls;
  for (const auto& [name, cycles] : row["stalls"].items()) {
    stalls.emplace_back(name, cycles.get<std::uint64_t>());
  }
  return stalls;
}

std::string profile_tables(const ProgramProfile& profile, std::uint64_t all) {
  nlohmann::ordered_json json;
  add_profile(profile, json);
  TextTable functions({"function", "cycles", "of all", "IPC", "<largest stalls"});
  std::size_t shown = 0;
  for (const auto& row : json["functions"]) {
    if (shown++ == kMostFunctions) {
      break;
    }
    const auto cycles = row["cycles"].get<std::uint64_t>();
    functions.add({row["name"].get<std::string>(), with_commas(cycles), part(cycles, all),
                   ratio(row["busy"].get<std::uint64_t>(), cycles),
                   largest(stalls_of(row), cycles)});
  }
  std::string text = "\n" + functions.text();
  TextTable regions({"region", "passes", "cycles", "of all", "IPC", "<largest stalls"});
  for (const auto& row : json["regions"]) {
    const auto cycles = row["cycles"].get<std::uint64_t>();
    regions.add({row["name"].get<std::string>(), with_commas(row["passes"].get<std::uint64_t>()),
                 with_commas(cycles), part(cycles, all),
                 ratio(row["busy"].get<std::uint64_t>(), cycles),
                 cycles == 0 ? "-" : largest(stalls_of(row), cycles)});
  }
  return regions.empty() ? text : text + "\n" + regions.text();
}

}  // namespace

std::string program_report(const ProgramResult& result, const std::string& file) {
  const RunRecord& record = result.record;
  std::string text = std::filesystem::path(file).filename().string() + ": exit " +
                     std::to_string(record.exit_status) + " after " +
                     with_commas(record.cycles.raw()) + " cycles\n" + core_table(record) +
                     unit_table(record);
  if (result.profile) {
    text += profile_tables(*result.profile, record.cycles.raw() * record.instructions.size());
  }
  return text;
}

}  // namespace etude::run
