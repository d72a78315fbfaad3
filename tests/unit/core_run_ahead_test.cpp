// SPDX-License-Identifier: Apache-2.0
// run(now + 1) in each cycle and run(far) are the same machine: cycles, values, books.
#include <catch2/catch.hpp>

#include "tests/support/core_bench.h"
#include "tests/support/random_program.h"

using namespace etude;
using namespace etude::test;

namespace {

const std::string kIsa = "rv32imc_zfinx_zicsr_zifencei_xcvmem_xcvhwlp";

struct Outcome {
  std::uint64_t cycles, instructions, busy, next;
  std::array<std::uint64_t, kStallReasons> stalls;
  std::array<std::uint32_t, 65> registers;
  std::uint32_t fflags;
  std::vector<std::uint8_t> data;
  bool operator==(const Outcome&) const = default;
};

Outcome run_one(const std::vector<std::uint8_t>& program, const CoreConfig& config, unsigned seed,
                unsigned most_wait, unsigned most_latency, bool lockstep,
                unsigned memory_latency = 0, bool hooked = false) {
  CoreBench bench(kIsa, config);
  if (hooked) {
    bench.core().set_retire_hook([](void*, const Core&, const Retired&) {}, nullptr);
  }
  if (memory_latency != 0) {
    bench.use_icache(memory_latency);
  }
  bench.load(0x80, program);
  std::mt19937 random(seed);
  bench.grant_delay = [&](const DataAccess&) {
    return most_wait == 0 ? 0u : static_cast<unsigned>(random() % (most_wait + 1));
  };
  bench.latency = [&](const DataAccess&) {
    return 1u + static_cast<unsigned>(random() % most_latency);
  };
  bench.run(10'000'000, lockstep);
  REQUIRE(bench.exit_status() == 0u);
  const Core& core = bench.core();
  Outcome outcome{bench.marker_cycles(),
                  bench.marker_instructions(),
                  core.busy_cycles(),
                  core.next_cycle().raw(),
                  {},
                  core.state().r,
                  core.state().fflags,
                  bench.data()};
  std::uint64_t booked = outcome.busy;
  for (unsigned r = 0; r < kStallReasons; ++r) {
    outcome.stalls[r] = core.stall_cycles(static_cast<StallReason>(r));
    booked += outcome.stalls[r];
  }
  CHECK(booked == outcome.next);  // each cycle since reset is busy or has one reason
  return outcome;
}

}  // namespace

TEST_CASE("lockstep and run-ahead give the same cycles, values and stall reasons", "[core]") {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    std::mt19937 random(seed);
    const auto program = random_program(random, 150, 12);
    CoreConfig config;
    config.addmul_latency = seed % 3;
    config.others_latency = seed / 3 % 3;
    const unsigned most_wait = seed % 4;
    const unsigned most_latency = seed % 5 == 0 ? 6 : 1;
    CAPTURE(seed, config.addmul_latency, config.others_latency, most_wait, most_latency);
    const Outcome ahead = run_one(program, config, seed, most_wait, most_latency, false);
    const Outcome lockstep = run_one(program, config, seed, most_wait, most_latency, true);
    REQUIRE(ahead == lockstep);
    REQUIRE(ahead == run_one(program, config, seed, most_wait, most_latency, false, 0, true));
    CHECK(ahead.cycles > ahead.instructions);
  }
}

TEST_CASE("lockstep and run-ahead are equal behind the instruction cache", "[core]") {
  // 200 instructions are 800 bytes, more than the private cache holds: lines go and come.
  for (unsigned seed = 1; seed <= 80; ++seed) {
    std::mt19937 random(seed);
    const auto program = random_program(random, 20 + seed % 8 * 30, 6);
    CoreConfig config;
    config.addmul_latency = seed % 3;
    const unsigned most_wait = seed % 4;
    CAPTURE(seed, config.addmul_latency, most_wait);
    const Outcome ahead = run_one(program, config, seed, most_wait, 1, false, 1 + seed % 20);
    const Outcome lockstep = run_one(program, config, seed, most_wait, 1, true, 1 + seed % 20);
    REQUIRE(ahead == lockstep);
    // A retire hook keeps the core from its short cut through calm stretches.
    REQUIRE(ahead == run_one(program, config, seed, most_wait, 1, false, 1 + seed % 20, true));
    CHECK(ahead.stalls[static_cast<unsigned>(StallReason::kIcacheMiss)] > 0);
  }
}

TEST_CASE("waits for grants add at most their own length", "[core]") {
  // Rule 1: stalls add one to one, unless they hide a stall that would have happened anyway.
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto program = random_program(random, 100, 5);
    const Outcome ideal = run_one(program, {}, seed, 0, 1, false);
    const Outcome stalled = run_one(program, {}, seed, 3, 1, false);
    const auto waits = stalled.stalls[static_cast<unsigned>(StallReason::kTcdmConflict)];
    CAPTURE(seed);
    CHECK(waits > 0);
    CHECK(stalled.next <= ideal.next + waits);
    CHECK(stalled.next > ideal.next);
    CHECK(stalled.instructions == ideal.instructions);
  }
}
