// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "sim/config/json_file.h"
#include "sim/report/report.h"
#include "sim/report/result.h"
#include "tests/support/fake_run.h"
#include "tests/support/shared_data.h"

using namespace etude;

namespace {
Json fake_result(const std::vector<double>& losses = {0.5, 0.25}) {
  return make_result(test::fake_config(), test::fake_facts(), test::fake_record(), {losses, 0},
                     test::fake_check(), {1.25, "0.1.0"});
}
}  // namespace

TEST_CASE("layers' cycles sum to the step's, and their energies to its dynamic energy",
          "[report]") {
  const Json result = fake_result();
  std::uint64_t cycles = 0;
  double joules = 0;
  for (const Json& layer : result["layers"]) {
    cycles += layer["cycles"].get<std::uint64_t>();
    joules += layer["energy_j"].get<double>();
  }
  CHECK(cycles == result["step"]["cycles"]);
  CHECK(joules == Approx(result["energy_bill"]["dynamic_j"].get<double>()).epsilon(1e-9));
  CHECK(joules + result["energy"]["leakage"].get<double>() ==
        Approx(result["energy"]["total"].get<double>()));
  // the page layer has the first and the last operation: 20,000 + 5,000
  CHECK(result["layers"][5]["cycles"] == 25'000);
}

TEST_CASE("totals follow from cycles and clock", "[report]") {
  const Json result = fake_result();
  const Json& step = result["step"];
  CHECK(step["latency_s"].get<double>() == Approx(100'000 / 300e6));
  CHECK(step["flop"] == 2 * 3'932'160);
  CHECK(step["samples_per_s"].get<double>() == Approx(24 * 300e6 / 100'000));
  CHECK(step["edp_js"].get<double>() ==
        Approx(step["energy_j"].get<double>() * step["latency_s"].get<double>()));
  CHECK(result["setup_cycles"] == 230'000 - 110'000 - 100'000);
  CHECK(result["traffic"]["l3_l2_read"] == 60'000);
  // 100,000 B at 333 MB/s of a 300 MHz clock = 1.11 B per cycle
  CHECK(result["bounds"][0]["resource"] == "L3 bandwidth");
  CHECK(result["bounds"][0]["cycles"].get<double>() == Approx(100'000 / 1.11));
}

TEST_CASE("a finished run is priced again from its counters alone", "[report]") {
  const Json before = fake_result();
  Json again = before;
  const RootConfig config = test::fake_config();
  again["energy"] = nullptr;
  price_again(again, config.platform, config.energy);
  CHECK(again == before);
  EnergyConfig dearer = config.energy;
  dearer.extmem_byte.value *= 2;
  price_again(again, config.platform, dearer);
  CHECK(again["energy"]["extmem"].get<double>() ==
        Approx(2 * before["energy"]["extmem"].get<double>()));
  CHECK(again["energy"]["tcdm"] == before["energy"]["tcdm"]);
  EnergyConfig larger = config.energy;
  larger.area_core.value *= 2;
  price_again(again, config.platform, larger);
  CHECK(again["area"]["cores"].get<double>() == Approx(2 * before["area"]["cores"].get<double>()));
  CHECK(again["area_mm2"] == again["area"]["total"]);
  CHECK(again["energy"] == before["energy"]);
}

TEST_CASE(
    "what is assumed of the area stands with its share, and an array without a clock of a source",
    "[report]") {
  Json result = fake_result();
  double cells = 0;
  for (const Json& term : result["area_bill"]["terms"]) {
    cells += term["coefficient"] == "area/sram_cell" ? term["mm2"].get<double>() : 0;
  }
  RootConfig config = test::fake_config();
  const auto find = [&](const char* name) {
    for (const Json& assumption : result["assumptions"]) {
      if (assumption["name"] == name) {
        return assumption;
      }
    }
    return Json();
  };
  // the cell is in the TCDM and in L2: one line, with the sum of both
  CHECK(find("area/sram_cell")["total"] == "area_mm2");
  CHECK(find("area/sram_cell")["share"].get<double>() ==
        Approx(cells / result["area_mm2"].get<double>()));
  CHECK(find("array_clock")["vary"] == "/platform/cluster/clock_hz");
  config.platform.cluster.redmule.format = RedmuleConfig::Format::kFp16;
  price_again(result, config.platform, config.energy);
  CHECK(find("array_clock").is_null());
  config.platform.cluster.redmule.pipe = 2;
  price_again(result, config.platform, config.energy);
  CHECK(find("array_clock")["share"].get<double>() == Approx(0.65));  // at work for 65,000 cycles
}

TEST_CASE("a loss that is not finite is null, with a warning", "[report]") {
  const Json result = fake_result({0.5, std::nan("")});
  CHECK(result["loss"].is_null());
  CHECK(result["steps"][0]["loss"] == 0.5);
  CHECK(result["warnings"].back() == "the loss of step 2 is not finite");
}

// When this fails on purpose: ETUDE_UPDATE_GOLDEN=1 build/unit_tests "[report]"
TEST_CASE("the terminal report of a fixed run is the golden one", "[report]") {
  const auto golden = test::source_dir() / "tests/golden/report.txt";
  const std::string report = terminal_report(fake_result(), false);
  if (std::getenv("ETUDE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(golden) << report;
    std::ofstream(test::source_dir() / "tests/golden/result.json") << fake_result().dump(2) << "\n";
  }
  CHECK(report == read_whole_file(golden, "golden"));
  CHECK(report.find('\033') == std::string::npos);
  CHECK(terminal_report(fake_result(), true).find('\033') != std::string::npos);
  std::size_t longest = 0;
  for (std::size_t at = 0; at < report.size();) {
    const std::size_t end = report.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  CHECK(longest <= 140);
}

TEST_CASE("result.json of a fixed run is the golden one, field by field", "[report]") {
  const Json golden =
      Json::parse(read_whole_file(test::source_dir() / "tests/golden/result.json", "golden"));
  Json result = fake_result();
  for (const auto& item : golden.items()) {
    if (item.key() != "config_hash") {  // changes with every default
      INFO(item.key());
      CHECK(result[item.key()] == item.value());
    }
  }
}
