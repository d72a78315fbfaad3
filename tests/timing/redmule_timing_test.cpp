// SPDX-License-Identifier: Apache-2.0
// Cycle counts of RedMulE that can be derived by hand.
#include <catch2/catch.hpp>
#include <vector>

#include "models/redmule/bench.h"
#include "models/redmule/redmule_regs.h"

namespace {

using namespace etude;

struct Event {
  std::uint64_t cycle;
  char operand;
  std::uint32_t offset;
};

struct Traced {
  RedmuleBenchResult result;
  std::vector<Event> events;
  std::uint64_t first(char operand) const {
    for (const Event& e : events) {
      if (e.operand == operand) {
        return e.cycle;
      }
    }
    return 0;
  }
};

Traced trace(const RedmuleBenchJob& job, const RedmuleConfig& config = {}) {
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), config);
  Traced out;
  out.result = run_redmule_bench(
      redmule, job, [&](std::uint64_t cycle, const WideRequest& r, std::uint32_t offset, bool) {
        out.events.push_back({cycle, "XWYZ"[static_cast<unsigned>(r.stream)], offset});
      });
  return out;
}

TEST_CASE("From TRIGGER to the first access", "[redmule]") {
  // TRIGGER in cycle 0: pending counter (1), slave idle -> starting (2) -> start flag (3) ->
  // latched (4) -> controller STARTING (5); the address generator starts (5), its address is valid
  // (6), in the address FIFO (7) and in the request FIFO (8): the port sees X in cycle 8. W loses
  // to X in that cycle, Y to both.
  const Traced t = trace({.m = 12, .n = 16, .k = 16, .gap = 1000});
  CHECK(t.first('X') == 8);
  CHECK(t.first('W') == 9);
  CHECK(t.first('Y') == 10);
}

TEST_CASE("The tiler overlaps with the gap before TRIGGER", "[redmule]") {
  // The controller may start 34 cycles after the cycle that follows the write of 0x54, but not
  // before cycle 5 after TRIGGER: with TRIGGER 1 + gap cycles after that write it starts
  // max(5, 34 - gap) after TRIGGER, and the first access is three cycles later.
  for (const std::uint64_t gap : {0, 1, 10, 28, 29, 30, 100}) {
    const std::uint64_t start = gap >= 29 ? 5 : 34 - gap;
    CHECK(trace({.m = 12, .n = 16, .k = 16, .gap = gap}).first('X') == start + 3);
  }
}

TEST_CASE("One W row is taken every P + 1 cycles", "[redmule]") {
  // 96 rows of W for one tile: after the eight rows that the FIFOs hold, each row that enters the
  // array makes room for one beat, so that beats are P + 1 = 4 cycles apart.
  const Traced t = trace({.m = 1, .n = 96, .k = 16, .gap = 1000});
  std::vector<std::uint64_t> w;
  for (const Event& e : t.events) {
    if (e.operand == 'W') {
      w.push_back(e.cycle);
    }
  }
  REQUIRE(w.size() == 96);
  for (std::size_t i = 60; i < 96; ++i) {
    CHECK(w[i] - w[i - 1] == 4);
  }
  RedmuleConfig fast;
  fast.height = 8;
  fast.width = 8;
  fast.pipe = 1;
  const Traced two = trace({.m = 1, .n = 96, .k = 16, .gap = 1000}, fast);
  w.clear();
  for (const Event& e : two.events) {
    if (e.operand == 'W') {
      w.push_back(e.cycle);
    }
  }
  CHECK(w[95] - w[94] == 2);  // P = 1
}

TEST_CASE("Compute time of a long job is tiles x W rows x (P + 1)", "[redmule]") {
  // Adding 64 steps of reduction to one tile adds 64 W rows of 4 cycles each, nothing else.
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), RedmuleConfig{});
  const auto cycles = [&](std::uint32_t m, std::uint32_t n, std::uint32_t k) {
    return run_redmule_bench(redmule, {.m = m, .n = n, .k = k}).cycles;
  };
  CHECK(cycles(12, 192, 16) - cycles(12, 128, 16) == 64 * 4);
  // A further column block is one tile more: 128 rows of 4 cycles. (A job of a single tile starts
  // two cycles earlier, so it is no base here.)
  CHECK(cycles(12, 128, 48) - cycles(12, 128, 32) == 128 * 4);
  // A further block of 12 rows is one tile more per column block, too.
  CHECK(cycles(48, 128, 16) - cycles(24, 128, 16) == 2 * 128 * 4);
}

TEST_CASE("The done event comes three cycles after the last beat of Z", "[redmule]") {
  // The last row enters the request FIFO one cycle before the port serves it; the sink's count is
  // complete in the cycle of the beat, its done flag is up (+1), the controller is in FINISHED
  // (+2) and the event leaves (+3).
  const Traced t = trace({.m = 24, .n = 32, .k = 32, .gap = 1000});
  CHECK(t.events.back().operand == 'Z');
  CHECK(t.result.cycles == t.events.back().cycle + 3);
}

TEST_CASE("All rows of a block are stored", "[redmule]") {
  // 13 rows are two blocks of 12: 24 rows of Z for each of the two column blocks.
  const Traced t = trace({.m = 13, .n = 16, .k = 32, .gap = 1000});
  CHECK(t.result.tally.beats[3] == 48);
  CHECK(t.result.tally.beats[0] == 13 * 2);      // X: only the rows that exist, per column block
  CHECK(t.result.tally.beats[1] == 16 * 2 * 2);  // W: all of it for each row block
}

TEST_CASE("Every cycle of a job has one account", "[redmule]") {
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), RedmuleConfig{});
  std::uint64_t total = 0;
  for (const double stall : {0.0, 0.4}) {
    for (const std::uint32_t n : {5u, 16u, 50u}) {
      total += run_redmule_bench(redmule, {.m = 25, .n = n, .k = 40, .stall = stall}).cycles;
      CHECK(redmule.tally().total() == total);
    }
  }
  const RedmuleTally t = redmule.tally();
  CHECK(t.fma_useful == 2 * 25 * 40 * (5 + 16 + 50));
  // 3 x 3 tiles of 12 x 16 elements, N rounded up to 8, 16 and 52
  CHECK(t.fma_useful + t.fma_padded == 2 * 9 * 12 * 16 * (8 + 16 + 52));
  CHECK(t.port_conflict > 0);
}

TEST_CASE("An fp32 array has the same cycles and a port of 64 bytes", "[redmule]") {
  RedmuleConfig fp32;
  fp32.format = RedmuleConfig::Format::kFp32;
  Redmule wide(sc_core::sc_gen_unique_name("redmule"), fp32);
  Redmule half(sc_core::sc_gen_unique_name("redmule"), RedmuleConfig{});
  const RedmuleBenchJob job{.m = 30, .n = 40, .k = 50};
  const RedmuleBenchResult a = run_redmule_bench(wide, job), b = run_redmule_bench(half, job);
  CHECK(a.cycles == b.cycles);
  CHECK(a.bit_exact);
  CHECK(b.bit_exact);
  CHECK(fp32.port_bytes() == 64);
  CHECK(RedmuleConfig{}.port_bytes() == 36);
}

}  // namespace
