// SPDX-License-Identifier: Apache-2.0
// Components that name their next activity must behave the same whether every cycle is stepped or
// only the named ones: random traffic on both.
#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <tuple>
#include <vector>

#include "models/event_unit/event_unit.h"
#include "models/event_unit/event_unit_regs.h"
#include "models/icache/icache.h"
#include "tests/support/fixed_latency_port.h"

using etude::Cycle;

namespace {

using Trace = std::vector<std::tuple<std::uint64_t, unsigned, std::uint32_t, std::uint64_t>>;

/// Grants (cycle, core, data, stopped cycles) of `cores` cores that do random things.
Trace event_unit_traffic(unsigned seed, unsigned cores, bool jump, std::uint64_t& steps) {
  constexpr std::array<std::uint32_t, 24> kOffsets = {
      ETUDE_EU_MASK,
      ETUDE_EU_MASK_OR,
      ETUDE_EU_MASK_AND,
      ETUDE_EU_BUFFER,
      ETUDE_EU_BUFFER_CLEAR,
      ETUDE_EU_SW_MASK,
      ETUDE_EU_EVENT_WAIT,
      ETUDE_EU_EVENT_WAIT_CLEAR,
      ETUDE_EU_EVENT_WAIT_CLEAR,
      ETUDE_EU_DISPATCH,
      ETUDE_EU_DISPATCH_TEAM,
      ETUDE_EU_MUTEX,
      ETUDE_EU_MUTEX,
      ETUDE_EU_SW_TRIGGER,
      ETUDE_EU_SW_TRIGGER_WAIT,
      ETUDE_EU_SW_TRIGGER_WAIT_CLEAR,
      ETUDE_EU_BARRIER,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_STATUS,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TARGET_MASK,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TRIGGER,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TRIGGER_SELF,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_STRIDE + ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR,
      ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_STRIDE};
  std::mt19937 random(seed);
  etude::EventUnitConfig config;
  config.cores = cores;
  etude::EventUnit unit("eu", config);
  for (unsigned core = 0; core < cores; ++core) {
    unit.request(core, ETUDE_EU_MASK, true, 0x71F08, Cycle{0});
  }
  Trace trace;
  std::uint64_t rescue = 0;
  for (std::uint64_t now = 0; now < 4000; ++now) {
    // The random numbers are drawn every cycle, whatever is stepped.
    for (unsigned core = 0; core < cores; ++core) {
      const std::uint32_t offset = kOffsets[random() % kOffsets.size()];
      const bool write = random() % 3 == 0;
      const std::uint32_t data = random() & 0x7FFFF;
      if (random() % 16 == 0 && now > 1 && !unit.waiting(core)) {
        unit.request(core, offset, write, data, Cycle{now});
      }
    }
    if (random() % 40 == 0) {
      unit.set_event(random() % 20, random(), Cycle{now});
    }
    if (random() % 50 == 0) {
      unit.periph_request((random() % 3) * 0x200 + (random() % 16) * 4, random() % 2 == 0,
                          random() & 0x7FFFF, 0, Cycle{now});
    }
    if (++rescue % 500 == 0) {
      for (unsigned core = 0; core < cores; ++core) {
        unit.withdraw(core);
      }
    }
    if (jump && unit.next_activity() != Cycle{now}) {
      continue;
    }
    ++steps;
    const std::uint32_t granted = unit.step(Cycle{now});
    for (unsigned core = 0; core < cores; ++core) {
      if ((granted >> core & 1u) != 0) {
        trace.emplace_back(now, core, unit.rdata(core), unit.gated_cycles(core).raw());
      }
    }
  }
  return trace;
}

Trace icache_traffic(unsigned seed, unsigned cores, bool jump, std::uint64_t& steps) {
  std::mt19937 random(seed);
  etude::test::FixedLatencyPort memory(1 + seed % 30);
  etude::Icache cache("icache", {}, cores, memory);
  std::vector<std::uint64_t> free(cores, 0);
  Trace trace;
  for (std::uint64_t now = 0; now < 4000; ++now) {
    if (!jump || cache.next_activity() == Cycle{now}) {
      ++steps;
      const std::uint32_t done = cache.step(Cycle{now});
      for (unsigned core = 0; core < cores; ++core) {
        if ((done >> core & 1u) != 0) {
          trace.emplace_back(now, core, 0, cache.refills_.value);
          free[core] = now + 1;
        }
      }
    }
    for (unsigned core = 0; core < cores; ++core) {
      const std::uint32_t address = 0x1C000000 + (random() % 128) * 16;
      if (random() % 32 == 0 && !cache.waiting(core) && now >= free[core] &&
          !cache.hit(core, address)) {
        cache.request(core, address, Cycle{now});
      }
    }
    if (random() % 1000 == 0) {
      cache.write_register(0x4, 1, Cycle{now});
    }
  }
  return trace;
}

}  // namespace

TEST_CASE("event unit: jumping over still cycles changes nothing", "[event_unit]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const unsigned cores = 1 + seed % 16;
    std::uint64_t all = 0;
    std::uint64_t some = 0;
    const Trace every = event_unit_traffic(seed, cores, false, all);
    CHECK(every.size() > 20);
    CHECK(event_unit_traffic(seed, cores, true, some) == every);
    CHECK(some < all);
  }
}

TEST_CASE("icache: jumping over still cycles changes nothing", "[icache]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const unsigned cores = 1 + seed % 16;
    std::uint64_t all = 0;
    std::uint64_t some = 0;
    const Trace every = icache_traffic(seed, cores, false, all);
    CHECK(every.size() > 20);
    CHECK(icache_traffic(seed, cores, true, some) == every);
    CHECK(some < all);
  }
}
