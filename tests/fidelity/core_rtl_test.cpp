// SPDX-License-Identifier: Apache-2.0
// Every program of the core's RTL measurements, assembled and run on one core with ideal memories
// and the RTL's reset state: the cycles between its two markers are equal, cycle by cycle and far
// ahead. A row that differs stands in the list of known differences with its reason.
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <set>

#include "sim/config/load.h"
#include "tests/support/core_bench.h"
#include "tests/support/core_kernels.h"
#include "tests/support/shared_data.h"

using namespace etude;
using namespace etude::test;

namespace {

/// Rows that differ from the RTL, each with the reason.
const std::map<std::string, std::string> kKnownDifferences = {};

using Row = std::map<std::string, std::string>;

std::string cell(const Row& row, const std::string& column) {
  const auto it = row.find(column);
  return it == row.end() ? "" : it->second;
}

/// Runs all rows of `reference/NAME.csv`, whose programs are in `folder` beside it.
void compare(const std::string& name, const std::string& folder, std::size_t least_rows) {
  const auto table = shared_file("reference/" + name + ".csv");
  const auto rows = read_csv(table);
  REQUIRE(rows.size() >= least_rows);
  std::set<std::string> ids[2];
  for (const auto& row : rows) {
    ids[row.at("zfinx") == "1"].insert(row.at("id"));
  }
  const PlatformConfig recorded = load_platform("platform/core_bench.json", {});
  const auto sources = table.parent_path() / folder;
  const CoreKernels images[2] = {CoreKernels(sources, ids[0], false),
                                 CoreKernels(sources, ids[1], true)};
  unsigned equal = 0;
  unsigned unexplained = 0;
  std::set<std::string> different;
  for (const auto& row : rows) {
    const bool zfinx = row.at("zfinx") == "1";
    CoreConfig config = recorded.cluster.core;
    config.addmul_latency = static_cast<unsigned>(std::stoul(row.at("fpu_addmul_lat")));
    config.others_latency = static_cast<unsigned>(std::stoul(row.at("fpu_others_lat")));
    config.corev_cluster = cell(row, "corev_cluster") == "1";
    config.ignore_loop_branches = true;
    const std::string key = row.at("id") + "," + row.at("zfinx") + "," + row.at("fpu_addmul_lat") +
                            "," + row.at("fpu_others_lat");
    const auto cycles = std::stoull(row.at("cycles"));
    bool same = true;
    for (const bool lockstep : {false, true}) {
      CoreBench bench(CoreKernels::march(zfinx) + "_xcvhwlp", config, 0x80,
                      recorded.cluster.first_hart);
      bench.load(0, images[zfinx].get(row.at("id")));
      bench.run(2000000, lockstep);
      const std::string instructions = cell(row, "instructions");
      if (bench.exit_status() == 0u && bench.marker_cycles() == cycles &&
          (instructions.empty() || bench.marker_instructions() == std::stoull(instructions))) {
        continue;
      }
      same = false;
      different.insert(key);
      if (kKnownDifferences.count(key) == 0) {
        ++unexplained;
        std::cerr << key << (lockstep ? " (lockstep)" : "") << ": RTL " << cycles << " cycles "
                  << instructions << " instructions, model " << bench.marker_cycles() << " "
                  << bench.marker_instructions() << " (" << cell(row, "description") << ") "
                  << bench.core().error() << "\n";
      }
      break;
    }
    equal += same ? 1 : 0;
  }
  INFO(equal << " of " << rows.size() << " rows equal");
  CHECK(unexplained == 0);
  CHECK(static_cast<double>(equal) >= 0.97 * static_cast<double>(rows.size()));
  for (const auto& [key, reason] : kKnownDifferences) {
    INFO(key << ": " << reason);
    CHECK(different.count(key) == 1);  // a row that is right now must leave the list
  }
}

}  // namespace

TEST_CASE("micro-kernels take the cycles of the RTL", "[core][rtl]") {
  compare("core_rtl_cycles", "core_micro", 937);
}

TEST_CASE("random programs take the cycles of the RTL", "[core][rtl]") {
  compare("core_random", "core_random", 400);
}

TEST_CASE("programs written by hand take the cycles of the RTL", "[core][rtl]") {
  compare("core_hand", "core_hand", 19);
}
