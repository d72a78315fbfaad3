// SPDX-License-Identifier: Apache-2.0
// Whatever the port refuses, a job ends once and with the right data, on any array.
#include <catch2/catch.hpp>
#include <random>

#include "models/redmule/bench.h"

namespace {

using namespace etude;

TEST_CASE("Refusals neither lose data nor events", "[redmule]") {
  std::mt19937 random(21);
  for (const auto& [h, l, p] :
       {std::array{4u, 12u, 3u}, {2u, 2u, 1u}, {4u, 1u, 1u}, {1u, 5u, 2u}, {3u, 2u, 3u}}) {
    RedmuleConfig config;
    config.height = h;
    config.width = l;
    config.pipe = p;
    Redmule redmule(sc_core::sc_gen_unique_name("redmule"), config);
    std::uint64_t cycles = 0;
    for (unsigned i = 1; i <= 40; ++i) {
      RedmuleBenchJob job;
      job.m = 1 + random() % 30;
      job.n = 1 + random() % 40;
      job.k = 1 + random() % 50;
      job.op = random() % 2;
      job.stall = std::array{0.0, 0.3, 0.75, 0.9}[random() % 4];
      job.seed = random();
      INFO(h << "x" << l << "x" << p << ": " << job.m << "," << job.n << "," << job.k << " op "
             << job.op << " stall " << job.stall << " seed " << job.seed);
      const RedmuleBenchResult result = run_redmule_bench(redmule, job);
      cycles += result.cycles;
      REQUIRE(result.finished);
      REQUIRE(result.bit_exact);
      REQUIRE(redmule.tally().jobs == i);
      REQUIRE(redmule.tally().total() == cycles);
      REQUIRE_FALSE(redmule.busy());
      REQUIRE(redmule.next_activity() == kNever);  // no second event is due
    }
  }
}

}  // namespace
