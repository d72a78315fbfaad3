// SPDX-License-Identifier: Apache-2.0
#include "run/bench/elf_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "models/base/error.h"
#include "models/base/system_error.h"
#include "sim/profile/profile_timeline.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    throw SystemError(file.string() + ": cannot be written");
  }
}

void add_cost(const Cost& cost, Json& out) {
  out["cycles"] = cost.cycles();
  out["busy"] = cost.busy;
  auto& stalls = out["stalls"] = Json::object();
  for (unsigned r = 0; r < kStallReasons; ++r) {
    if (cost.stalls[r] != 0) {
      stalls[stall_name(static_cast<StallReason>(r))] = cost.stalls[r];
    }
  }
}

void sort_by_cycles(Json& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Json& a, const Json& b) {
    return a["cycles"].get<std::uint64_t>() > b["cycles"].get<std::uint64_t>();
  });
}

/// profile.json: what the account has, and each source line of each function, per hart.
Json profile_json(const ProgramResult& result, const std::string& file) {
  const ProgramProfile& profile = *result.profile;
  const ProgramMap& map = profile.map();
  Json out;
  out["schema"] = 1;
  out["program"] = fs::path(file).filename().string();
  out["cycles"] = result.record.cycles.raw();
  out["harts"] = result.harts;
  add_profile(profile, out);
  auto& lines = out["lines"] = Json::array();
  for (unsigned h = 0; h < profile.harts(); ++h) {
    for (const auto& [function, of_function] : profile.lines(h)) {
      for (const auto& [at, cost] : of_function) {
        Json row{{"hart", h},
                 {"file", map.file(at.file)},
                 {"line", at.line},
                 {"function", map.name(function)}};
        add_cost(cost, row);
        lines.push_back(std::move(row));
      }
    }
  }
  return out;
}

}  // namespace

ProgramFiles::ProgramFiles(const ElfRequest& request) : request_(request) {
  if (!request.profile_folder.empty()) {
    std::error_code error;
    fs::create_directories(request.profile_folder, error);
    if (error || !fs::is_directory(request.profile_folder)) {
      throw UserError(request.profile_folder, "cannot be made a folder",
                      "name a new one or a folder that can be written");
    }
  }
  if (!request.trace_file.empty() && !std::ofstream(request.trace_file)) {
    throw UserError(request.trace_file, "cannot be written", "name a file in a folder that can be");
  }
}

bool ProgramFiles::wanted() const {
  return !request_.profile_folder.empty() || !request_.trace_file.empty() ||
         !request_.log_file.empty();
}

void ProgramFiles::write(const ProgramResult& result, Timeline* timeline) const {
  if (!request_.profile_folder.empty()) {
    const fs::path folder = request_.profile_folder;
    const std::string program = fs::path(request_.file).filename().string();
    write_file(folder / "callgrind.out", callgrind_text(*result.profile, program));
    write_file(folder / "stacks.txt", collapsed_text(*result.profile, result.harts));
    write_file(folder / "profile.json", profile_json(result, request_.file).dump(1) + "\n");
  }
  if (timeline != nullptr) {
    add_calls(*result.profile, result.harts, *timeline);
    write_file(request_.trace_file, perfetto_trace(*timeline));
  }
}

void add_profile(const ProgramProfile& profile, Json& out) {
  const ProgramMap& map = profile.map();
  std::map<std::uint32_t, Cost> by_function;
  for (unsigned h = 0; h < profile.harts(); ++h) {
    for (const auto& [function, lines] : profile.lines(h)) {
      for (const auto& [at, cost] : lines) {
        by_function[function] += cost;
      }
    }
  }
  auto& functions = out["functions"] = Json::array();
  for (const auto& [function, cost] : by_function) {
    const SourceLine at = function == 0 ? SourceLine{} : map.line(map.entry(function));
    Json row{{"name", map.name(function)}, {"file", map.file(at.file)}, {"line", at.line}};
    add_cost(cost, row);
    functions.push_back(std::move(row));
  }
  sort_by_cycles(functions);
  auto& regions = out["regions"] = Json::array();
  for (const ProgramProfile::Region& region : profile.regions()) {
    Json row{{"name", profile.region_name(region)}, {"passes", region.passes}};
    add_cost(region.inclusive, row);
    regions.push_back(std::move(row));
  }
}

}  // namespace etude::run
