// SPDX-License-Identifier: Apache-2.0
// Whole programs on eight cores against the composed RTL of a cluster, by the cycle of every marker
// that a core stores: all are equal with ideal instruction memory; behind the instruction cache (L2
// latency 10) the totals are within 0.3 % on average and 1.5 % at most. Both engines. The record
// has an adapter between core and cache that a public cluster instantiates for another core.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>

#include "sim/config/load.h"
#include "tests/support/cluster_program.h"
#include "tests/support/shared_data.h"
#include "tests/support/skip.h"
#include "tests/support/validation.h"

using namespace etude;
using namespace etude::test;

namespace {

using CoreMarkers = std::vector<std::vector<ClusterMarker>>;

/// The cluster of the record: eight cores, no controller, no accelerator.
PlatformConfig recorded_cluster(bool cached) {
  return load_platform(
      "platform/siracusa_redmule.json",
      {"/platform/cluster/controller=false", "/platform/cluster/redmule/enabled=false",
       "/platform/l2/latency=10",
       std::string("/platform/cluster/icache/enabled=") + (cached ? "true" : "false")});
}

/// Markers by program and core, in the order of their cycles.
std::map<std::string, CoreMarkers> recorded(const std::filesystem::path& table,
                                            const std::string& memory) {
  std::map<std::string, CoreMarkers> out;
  for (const auto& row : read_csv(table)) {
    if (row.at("instruction_memory") == memory) {
      CoreMarkers& cores = out[row.at("program")];
      cores.resize(8);
      cores[std::stoul(row.at("core"))].push_back(
          {static_cast<std::uint32_t>(std::stoul(row.at("marker"))), std::stoll(row.at("cycle"))});
    }
  }
  return out;
}

std::int64_t last_cycle(const CoreMarkers& cores) {
  std::int64_t cycle = 0;
  for (const auto& markers : cores) {
    cycle = markers.empty() ? cycle : std::max(cycle, markers.back().cycle);
  }
  return cycle;
}

std::size_t count(const CoreMarkers& cores) {
  std::size_t sum = 0;
  for (const auto& markers : cores) {
    sum += markers.size();
  }
  return sum;
}

/// Markers that are equal; the first one of each core that is not is told.
std::size_t equal_markers(const std::string& program, const CoreMarkers& rtl,
                          const CoreMarkers& model, bool tell) {
  std::size_t equal = 0;
  for (std::size_t core = 0; core < rtl.size(); ++core) {
    bool told = !tell;
    for (std::size_t i = 0; i < rtl[core].size(); ++i) {
      if (i < model[core].size() && model[core][i] == rtl[core][i]) {
        ++equal;
      } else if (!std::exchange(told, true)) {
        std::cerr << program << ", core " << core << ": marker " << rtl[core][i].value << " at "
                  << rtl[core][i].cycle << " in the RTL, "
                  << (i < model[core].size() ? std::to_string(model[core][i].cycle) : "nowhere")
                  << " in the model\n";
      }
    }
  }
  return equal;
}

std::string group_of(const std::string& program) {
  return program[0] == 'r' && program != "red" ? "random programs" : program;
}

}  // namespace

TEST_CASE("whole programs on eight cores are equal to the RTL at every marker",
          "[cluster_rtl][rtl]") {
  const auto table = shared_file("reference/cluster_rtl/markers.csv");
  need_program("clang-19");
  const ClusterPrograms programs(table.parent_path());
  const PlatformConfig platform = recorded_cluster(false);
  ValidationPoints points("cluster_ideal", {"program", "markers", "equal_markers"});
  for (const auto& [program, rtl] : recorded(table, "ideal")) {
    CAPTURE(program);
    const auto elf = programs.elf(program);
    const ClusterRun run = run_cluster_program(platform, elf, false, true);
    const ClusterRun lockstep = run_cluster_program(platform, elf, true, true);
    CHECK(run.markers == lockstep.markers);
    CHECK(run.cycles == lockstep.cycles);
    CHECK(run.cycles == run_cluster_program(platform, elf, false, false).cycles);
    const std::size_t equal = equal_markers(program, rtl, run.markers, true);
    CHECK(equal == count(rtl));
    CHECK(count(run.markers) == count(rtl));
    points.add({program, std::to_string(count(rtl)), std::to_string(equal)}, group_of(program),
               static_cast<double>(last_cycle(rtl)), static_cast<double>(last_cycle(run.markers)));
  }
}

TEST_CASE("whole programs on eight cores behind the instruction cache are close to the RTL",
          "[cluster_rtl][rtl]") {
  const auto table = shared_file("reference/cluster_rtl/markers.csv");
  need_program("clang-19");
  const ClusterPrograms programs(table.parent_path());
  const PlatformConfig platform = recorded_cluster(true);
  ValidationPoints points("cluster_cached", {"program", "markers", "equal_markers"});
  double sum = 0;
  unsigned compared = 0;
  for (const auto& [program, rtl] : recorded(table, "L10")) {
    CAPTURE(program);
    const auto elf = programs.elf(program);
    const ClusterRun run = run_cluster_program(platform, elf, false, true);
    const ClusterRun lockstep = run_cluster_program(platform, elf, true, true);
    CHECK(run.markers == lockstep.markers);
    CHECK(run.cycles == lockstep.cycles);
    CHECK(run.private_misses == lockstep.private_misses);
    CHECK(run.cycles == run_cluster_program(platform, elf, false, false).cycles);
    CHECK(count(run.markers) == count(rtl));
    const auto wanted = static_cast<double>(last_cycle(rtl));
    const auto got = static_cast<double>(last_cycle(run.markers));
    CHECK(std::abs(got - wanted) <= 0.015 * wanted);
    sum += std::abs(got - wanted) / wanted;
    ++compared;
    points.add({program, std::to_string(count(rtl)),
                std::to_string(equal_markers(program, rtl, run.markers, false))},
               group_of(program), wanted, got);
  }
  CHECK(compared == 57);
  CHECK(sum / compared <= 0.003);
}
