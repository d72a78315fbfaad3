// SPDX-License-Identifier: Apache-2.0
// Drawn arrays and shapes that no record exists of: what must hold for any of them.
#include <catch2/catch.hpp>
#include <random>

#include "models/redmule/bench.h"

using namespace etude;

TEST_CASE("Any array: right data, beats that follow from the shape, both ways of running equal",
          "[redmule]") {
  std::mt19937 random(42);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  const RedmuleBenchProbe step_by_step = [](std::uint64_t, const WideRequest&, std::uint32_t,
                                            bool) {};
  unsigned jobs = 0, estimates = 0;
  while (jobs < 120) {
    RedmuleConfig config;
    config.height = 1 + below(16);
    config.width = 1 + below(32);
    config.pipe = 1 + below(4);
    config.format = below(4) == 0 ? RedmuleConfig::Format::kFp32 : RedmuleConfig::Format::kFp16;
    if (config.columns() > 64) {
      continue;
    }
    ++jobs;
    const RedmuleBenchJob job{.m = 1 + below(80),
                              .n = 2 * config.height + 1 + below(120),
                              .k = 1 + below(120),
                              .op = below(8),
                              .format = below(4),
                              .gap = below(50),
                              .stall = below(4) == 0 ? 0.05 * below(15) : 0.0,
                              .seed = random()};
    const std::uint64_t d = config.columns(), l = config.width, h = config.height;
    const std::uint64_t row_blocks = (job.m + l - 1) / l, column_blocks = (job.k + d - 1) / d;
    const std::uint64_t tiles = row_blocks * column_blocks, w_rows = (job.n + h - 1) / h * h;
    INFO(h << "x" << l << "x" << config.pipe << " m " << job.m << " n " << job.n << " k " << job.k
           << " op " << job.op << " stall " << job.stall);
    Redmule redmule(sc_core::sc_gen_unique_name("redmule"), config);
    const RedmuleBenchResult result = run_redmule_bench(redmule, job);
    REQUIRE(result.finished);
    REQUIRE(result.bit_exact);
    // The array takes a row of W every P + 1 cycles.
    const bool estimate = result.estimated;
    estimates += estimate;
    if (!estimate) {
      REQUIRE(result.cycles > tiles * w_rows * (config.pipe + 1));
    }
    const auto& beats = result.tally.beats;
    REQUIRE(beats[1] == tiles * w_rows);  // all of W again for each row block, padding too
    // Always L rows of Z; the last ones of a refused port may come after the done event.
    REQUIRE(beats[3] <= tiles * l);
    REQUIRE(beats[3] + (job.stall > 0.0 ? 4 : 0) >= tiles * l);
    const std::uint64_t x = column_blocks * ((job.n + d - 1) / d) * job.m;
    REQUIRE(beats[0] >= x);  // one job of one tile prefetches rows of a tile that never comes
    REQUIRE(beats[0] <= x + (tiles == 1 ? l : 0));
    REQUIRE(beats[2] >= (job.op == 0 ? 0 : tiles * l));
    REQUIRE(beats[2] <= (job.op == 0 ? 0 : (tiles + (tiles == 1 ? 1 : 0)) * l));
    if (job.stall == 0.0) {
      const RedmuleBenchResult again = run_redmule_bench(redmule, job);  // as recorded
      Redmule other(sc_core::sc_gen_unique_name("redmule"), config);
      const RedmuleBenchResult stepped = run_redmule_bench(other, job, step_by_step);
      REQUIRE(again.cycles == result.cycles);
      REQUIRE(stepped.cycles == result.cycles);
      REQUIRE(stepped.bit_exact);
      REQUIRE(stepped.tally.beats == result.tally.beats);
      REQUIRE(again.tally.beats == result.tally.beats);
    }
  }
  CHECK(estimates < jobs / 5);  // arrays with more rows than their port can feed lose step
}
