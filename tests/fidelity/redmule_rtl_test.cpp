// SPDX-License-Identifier: Apache-2.0
// Cycles and port beats of RedMulE against its RTL, and the order of its accesses against traces.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "models/redmule/bench.h"
#include "models/redmule/redmule_regs.h"
#include "tests/support/shared_data.h"

namespace {

using namespace etude;

using Row = std::map<std::string, std::string>;

std::uint32_t op_of(const std::string& name) {
  return name == "matmul" ? 0 : name == "gemm" ? 1 : static_cast<std::uint32_t>(name.back() - '0');
}
std::uint32_t format_of(const std::string& name) {
  return name == "fp8"      ? ETUDE_REDMULE_FMT_FP8
         : name == "fp8alt" ? ETUDE_REDMULE_FMT_FP8ALT
         : name == "fp16"   ? ETUDE_REDMULE_FMT_FP16
                            : ETUDE_REDMULE_FMT_FP16ALT;
}

/// Errors of one group of points.
struct Group {
  unsigned points = 0, exact = 0, beats_differ = 0;
  double sum = 0.0, largest = 0.0;
  std::string worst;

  void add(double error, bool beats_equal, const std::string& point) {
    ++points;
    exact += error == 0.0;
    beats_differ += !beats_equal;
    sum += std::fabs(error);
    if (std::fabs(error) > largest) {
      largest = std::fabs(error);
      worst = point;
    }
  }
  double mean() const { return sum / points; }
};

bool in_errata(const std::vector<int>& errata) {
  for (const int number : errata) {
    if (number >= 2 && number <= 5) {  // 6, 7 and 8 say nothing about cycles
      return true;
    }
  }
  return false;
}

TEST_CASE("RedMulE takes the cycles and the beats of its RTL", "[redmule][fidelity]") {
  const auto file = test::shared_file("reference/redmule_rtl_cycles.csv");
  std::map<std::string, std::unique_ptr<Redmule>> arrays;
  std::map<std::string, Group> groups;
  unsigned different_data = 0;
  for (Row& row : test::read_csv(file)) {
    const double stall = std::stod(row["stall_prob"]);
    const long cycles = std::stol(row["cycles"]);
    if (cycles < 0 || (stall > 0.0 && row["rtl"] != "main+muxfix")) {
      continue;  // hangs of the RTL have no cycles to compare with
    }
    const std::string array = row["h"] + "x" + row["l"] + "x" + row["p"];
    auto& redmule = arrays[array];
    if (!redmule) {
      RedmuleConfig config;
      config.height = static_cast<unsigned>(std::stoul(row["h"]));
      config.width = static_cast<unsigned>(std::stoul(row["l"]));
      config.pipe = static_cast<unsigned>(std::stoul(row["p"]));
      redmule = std::make_unique<Redmule>(sc_core::sc_gen_unique_name("redmule"), config);
    }
    RedmuleBenchJob job;
    job.m = static_cast<std::uint32_t>(std::stoul(row["M"]));
    job.n = static_cast<std::uint32_t>(std::stoul(row["N"]));
    job.k = static_cast<std::uint32_t>(std::stoul(row["K"]));
    job.op = op_of(row["op"]);
    job.format = format_of(row["fmt"]);
    job.gap = std::stoull(row["gap"]);
    job.stall = stall;
    job.seed = row["seed"].empty() ? 1 : std::stoull(row["seed"]);
    const RedmuleBenchResult result = run_redmule_bench(*redmule, job);
    different_data += !result.bit_exact;
    std::string group = array;
    if (stall > 0.0) {
      group = "stalled";
    } else if (in_errata(result.errata) || row["data_ok"] == "0") {
      group = "errata";
    } else if (array == "4x12x3") {
      group += job.n >= 9 ? " N>=9" : " N<=8";
    }
    bool beats_equal = true;
    const char* const columns[] = {"xrd", "wrd", "yrd", "zwr"};
    for (unsigned i = 0; i < 4; ++i) {
      beats_equal &=
          row[columns[i]].empty() || std::stoull(row[columns[i]]) == result.tally.beats[i];
    }
    const double error = (static_cast<double>(result.cycles) - static_cast<double>(cycles)) /
                         static_cast<double>(cycles);
    groups[group].add(error, beats_equal,
                      row["M"] + "," + row["N"] + "," + row["K"] + " " + row["op"] + ": " +
                          std::to_string(result.cycles) + " instead of " + row["cycles"]);
  }
  for (const auto& [name, g] : groups) {
    std::cout << "redmule " << name << ": " << g.points << " points, " << g.exact
              << " equal, mean error " << 100.0 * g.mean() << " %, max " << 100.0 * g.largest
              << " % (" << g.worst << "), beats differ at " << g.beats_differ << '\n';
  }
  CHECK(different_data == 0);
  const Group& main = groups["4x12x3 N>=9"];
  CHECK(main.points > 500);
  CHECK(main.mean() <= 0.002);
  CHECK(main.largest <= 0.015);
  CHECK(main.beats_differ == 0);
  CHECK(groups["4x12x3 N<=8"].mean() <= 0.03);
  CHECK(groups["4x12x3 N<=8"].beats_differ == 0);
  for (const char* array : {"4x8x3", "8x12x3", "8x8x1"}) {
    INFO(array);
    CHECK(groups[array].points > 25);
    CHECK(groups[array].mean() <= 0.005);
    CHECK(groups[array].beats_differ == 0);
  }
  CHECK(groups["stalled"].points > 150);
  CHECK(groups["stalled"].mean() <= 0.03);
}

/// One line of a trace: cycle after TRIGGER, operand, read or write, offset, enable, grant.
struct Access {
  std::uint64_t cycle;
  char operand;
  bool write;
  std::uint32_t offset;
  std::uint64_t enable;
  bool granted;
};

std::vector<Access> read_trace(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Access> accesses;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::istringstream fields(line);
    Access a{};
    std::string direction, enable;
    fields >> a.cycle >> a.operand >> direction >> a.offset >> enable >> a.granted;
    a.write = direction == "wr";
    a.enable = std::stoull(enable, nullptr, 16);
    accesses.push_back(a);
  }
  return accesses;
}

/// Runs the job of a trace with the trace's own grants and compares every request.
void check_trace(const std::string& name, std::uint32_t m, std::uint32_t n, std::uint32_t k) {
  const auto file = test::shared_file("reference/hci_traces/" + name);
  const std::vector<Access> trace = read_trace(file);
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), RedmuleConfig{});
  std::size_t next = 0;
  unsigned different = 0;
  const auto grant = [&](std::uint64_t cycle) {
    return next >= trace.size() || trace[next].cycle != cycle || trace[next].granted;
  };
  const auto probe = [&](std::uint64_t cycle, const WideRequest& request, std::uint32_t offset,
                         bool granted) {
    const bool same = next < trace.size() && trace[next].cycle == cycle &&
                      trace[next].operand == "XWYZ"[static_cast<unsigned>(request.stream)] &&
                      trace[next].write == request.write && trace[next].offset == offset &&
                      (!request.write || trace[next].enable == request.byte_enable[0]) &&
                      trace[next].granted == granted;
    if (!same && different++ == 0) {
      std::cerr << name << ": access " << next << " in cycle " << cycle << " differs\n";
    }
    ++next;
  };
  // The trace was taken with the tiler done before TRIGGER.
  const RedmuleBenchResult result =
      run_redmule_bench(redmule, {.m = m, .n = n, .k = k, .gap = 100}, probe, grant);
  CHECK(result.bit_exact);
  CHECK(next == trace.size());
  CHECK(different == 0);
}

TEST_CASE("The order of accesses is the RTL's, cycle by cycle", "[redmule][fidelity]") {
  check_trace("redmule_24x32x32_ideal.trc", 24, 32, 32);
}

TEST_CASE("The order of accesses is the RTL's when the port is refused", "[redmule][fidelity]") {
  check_trace("redmule_48x64x64_q025_i0_m4.trc", 48, 64, 64);
}

}  // namespace
