// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/report/result.h"

using namespace etude;

namespace {

/// 4 x 12 array, HyperRAM of 300 MB/s at 300 MHz: one byte per cycle.
PlatformConfig small_platform() {
  PlatformConfig platform;
  platform.cluster.clock_hz = 300e6;
  platform.hyperram.bandwidth_mb_s = 300;
  return platform;
}

StepRecord step_of(CounterSnapshot counters) {
  StepRecord step;
  step.cycles = Cycle{10'000};
  step.counters = std::move(counters);
  return step;
}

RunFacts macs_of(std::vector<std::pair<std::string, std::uint64_t>> layers) {
  RunFacts facts;
  for (const auto& [unit, macs] : layers) {
    facts.layers.push_back({"layer", "Gemm", "forward", unit, macs});
  }
  return facts;
}

const Bound* find(const std::vector<Bound>& bounds, const std::string& resource) {
  for (const Bound& bound : bounds) {
    if (bound.resource == resource) {
      return &bound;
    }
  }
  return nullptr;
}

double cycles(const std::vector<Bound>& bounds, const std::string& resource) {
  const Bound* bound = find(bounds, resource);
  REQUIRE(bound != nullptr);
  return bound->cycles;
}

}  // namespace

TEST_CASE("a step without work is bounded by nothing", "[bounds]") {
  CHECK(bounds_of(small_platform(), {}, step_of({})).empty());
}

TEST_CASE("the array makes height x width products a cycle, of its own layers", "[bounds]") {
  const RunFacts facts = macs_of({{"redmule", 4'000}, {"cores", 999}, {"redmule", 800}});
  // Jobs of 5,000 products, for tiles of their own are filled up, and 1,000 of padding.
  const StepRecord step = step_of({{"redmule.fma_useful", 5'000}, {"redmule.fma_padded", 1'000}});
  const auto bounds = bounds_of(small_platform(), facts, step);
  REQUIRE(bounds.size() == 1);
  CHECK(bounds[0].resource == "RedMulE array");
  CHECK(bounds[0].cycles == Approx(100));  // (4,000 + 800) / (4 x 12): padding bounds nothing
  CHECK(bounds[0].work == "4,800 MAC at 48 MAC/cycle");
  // Of 48 x 10,000 slots: 4,800 = 1 %, 200 + 1,000 = 0.25 %, the rest.
  REQUIRE(bounds[0].parts.size() == 3);
  const double shares[] = {0.01, 0.0025, 0.9875};
  const char* const names[] = {"useful", "padded", "idle"};
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(bounds[0].parts[i].first == names[i]);
    CHECK(bounds[0].parts[i].second == Approx(shares[i]));
  }
  PlatformConfig other = small_platform();
  other.cluster.redmule.height = 2;
  other.cluster.redmule.width = 5;
  CHECK(cycles(bounds_of(other, facts, step), "RedMulE array") == Approx(480));
  // A layer that leaves a part to the cores; two passes of the list in a step.
  RunFacts more = facts;
  more.passes = 2;
  CHECK(bounds_of(small_platform(), more, step)[0].work == "5,000 MAC at 48 MAC/cycle");
}

TEST_CASE("a bound above the step is a defect of the simulator", "[bounds]") {
  const auto step_with = [](const char* counter, std::uint64_t count) {
    return step_of({{counter, count}});
  };
  CHECK_NOTHROW(bounds_of(small_platform(), {}, step_with("dma.bytes_in", 80'000)));
  CHECK_THROWS_AS(bounds_of(small_platform(), {}, step_with("dma.bytes_in", 80'008)),
                  std::logic_error);
  CHECK_THROWS_AS(bounds_of(small_platform(), {}, step_with("redmule.x_beats", 10'001)),
                  std::logic_error);
  // 480,000 slots of the array.
  CHECK_NOTHROW(bounds_of(small_platform(), {}, step_with("redmule.fma_padded", 480'000)));
  CHECK_THROWS_AS(bounds_of(small_platform(), {}, step_with("redmule.fma_padded", 480'001)),
                  std::logic_error);
}

TEST_CASE("the array's port moves one beat a cycle, whichever matrix it is for", "[bounds]") {
  const auto bounds = bounds_of(small_platform(), {},
                                step_of({{"redmule.x_beats", 1},
                                         {"redmule.w_beats", 20},
                                         {"redmule.y_beats", 300},
                                         {"redmule.z_beats", 4'000},
                                         {"redmule.jobs", 50'000}}));
  REQUIRE(bounds.size() == 1);
  CHECK(bounds[0].resource == "RedMulE port");
  CHECK(bounds[0].cycles == Approx(4'321));  // 1 + 20 + 300 + 4,000
  CHECK(bounds[0].work == "4,321 beats at 1 beats/cycle");
}

TEST_CASE("without an array neither it nor its port bounds anything", "[bounds]") {
  PlatformConfig platform = small_platform();
  platform.cluster.redmule.enabled = false;
  const auto bounds = bounds_of(
      platform, macs_of({{"redmule", 4'800}}),
      step_of({{"redmule.fma_useful", 4'800}, {"redmule.x_beats", 100}, {"dma.bytes_in", 8}}));
  REQUIRE(bounds.size() == 1);
  CHECK(bounds[0].resource == "L2 bandwidth");
}

TEST_CASE("the busiest worker bounds the step; the controller and other units do not", "[bounds]") {
  StepRecord step = step_of({});
  step.units = {{"core0", 500, {}},
                {"core1", 700, {{"sleep", 9'300}}},
                {"core10", 600, {}},
                {"controller", 9'000, {}},
                {"redmule", 8'000, {}}};
  const auto bounds = bounds_of(small_platform(), {}, step);
  REQUIRE(bounds.size() == 1);
  CHECK(bounds[0].resource == "cores (busiest)");
  CHECK(bounds[0].work == "700 instructions at 1 instructions/cycle");
  CHECK(bounds[0].cycles == Approx(700));  // one instruction per cycle
}

TEST_CASE("each direction of the port to L2 moves eight bytes a cycle: the larger one bounds",
          "[bounds]") {
  for (const bool in : {true, false}) {
    const auto bounds = bounds_of(small_platform(), {},
                                  step_of({{"dma.bytes_in", in ? 1'600 : 800},
                                           {"dma.bytes_out", in ? 800 : 1'600},
                                           {"l2.read_bytes", 9'999}}));
    REQUIRE(bounds.size() == 1);
    CHECK(bounds[0].resource == "L2 bandwidth");
    CHECK(bounds[0].cycles == Approx(200));  // max(1,600, 800) / 8
    CHECK(bounds[0].work == "1,600 B at 8 B/cycle");
  }
}

TEST_CASE("the HyperRAM's bus is for both directions; flash has its own rate", "[bounds]") {
  const StepRecord step = step_of({{"hyperram.read_bytes", 1'000},
                                   {"hyperram.write_bytes", 500},
                                   {"flash.read_bytes", 250},
                                   {"hyperram.busy", 9'999}});
  PlatformConfig platform = small_platform();
  platform.flash.read_mb_s = 150;  // half a byte per cycle
  const auto bounds = bounds_of(platform, {}, step);
  REQUIRE(bounds.size() == 2);
  CHECK(bounds[0].resource == "L3 bandwidth");
  CHECK(bounds[0].cycles == Approx(1'500));  // (1,000 + 500) at 300 MB/s / 300 MHz
  CHECK(bounds[1].resource == "flash bandwidth");
  CHECK(bounds[1].cycles == Approx(500));
  platform.hyperram.bandwidth_mb_s = 333;
  platform.cluster.clock_hz = 666e6;  // half a byte per cycle
  const auto other = bounds_of(platform, {}, step);
  CHECK(other[0].cycles == Approx(3'000));
  CHECK(other[0].work == "1,500 B at 0.50 B/cycle");
}

TEST_CASE("flash erases and programs one after the other", "[bounds]") {
  PlatformConfig platform = small_platform();
  platform.cluster.clock_hz = 300e6;
  platform.flash.sector_erase_ms = 2;
  platform.flash.page_program_us = 10;
  StepRecord step = step_of({{"flash.sectors", 3}, {"flash.pages", 5}});
  step.cycles = Cycle{2'000'000};
  const auto bounds = bounds_of(platform, {}, step);
  REQUIRE(bounds.size() == 1);
  CHECK(bounds[0].resource == "flash programming");
  CHECK(bounds[0].cycles == Approx((3 * 2'000 + 5 * 10) * 300));
  CHECK(bounds[0].work == "3 sectors erased, 5 pages programmed");
}

TEST_CASE("bounds stand in the order of their length, equal ones in a fixed order", "[bounds]") {
  StepRecord step = step_of({{"redmule.x_beats", 200},
                             {"redmule.fma_useful", 48 * 100},
                             {"dma.bytes_in", 8 * 300},
                             {"hyperram.read_bytes", 200}});
  step.units = {{"core0", 500, {}}};
  const auto bounds = bounds_of(small_platform(), macs_of({{"redmule", 48 * 100}}), step);
  std::vector<std::string> names;
  for (const Bound& bound : bounds) {
    names.push_back(bound.resource);
  }
  // 500, 300, then port and L3 with 200 each in the order in which they are named, 100
  CHECK(names == std::vector<std::string>{"cores (busiest)", "L2 bandwidth", "RedMulE port",
                                          "L3 bandwidth", "RedMulE array"});
}
