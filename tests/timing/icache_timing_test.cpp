// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "models/base/error.h"
#include "models/icache/icache.h"
#include "models/icache/icache_regs.h"
#include "tests/support/fixed_latency_port.h"

using etude::Cycle;
using etude::Icache;
using etude::test::FixedLatencyPort;

namespace {

constexpr std::uint32_t kCode = 0x1C000000;

/// Lets time pass until the missing fetches of `cores` are answered; the cycle of each.
std::map<unsigned, std::uint64_t> answers(Icache& cache, std::uint64_t& now, unsigned count) {
  std::map<unsigned, std::uint64_t> found;
  for (; found.size() < count && now < 10000; ++now) {
    const std::uint32_t done = cache.step(Cycle{now});
    for (unsigned core = 0; core < 16; ++core) {
      if ((done >> core & 1u) != 0) {
        found[core] = now;
      }
    }
  }
  return found;
}

/// One core runs `words` words straight on from `address`; the cycle of the last one's answer.
std::uint64_t stream(Icache& cache, unsigned core, std::uint32_t address, unsigned words,
                     std::uint64_t& now) {
  std::uint64_t valid = 0;
  for (unsigned i = 0; i < words; ++i) {
    if (cache.hit(core, address + 4 * i)) {
      valid = ++now;
    } else {
      cache.request(core, address + 4 * i, Cycle{now});
      valid = answers(cache, now, 1).at(core);
      now = valid + 1;
    }
  }
  return valid;
}

}  // namespace

TEST_CASE("icache: a cold line costs L + 8, a shared hit 3", "[icache]") {
  for (const std::uint64_t latency : {1u, 5u, 10u, 20u, 40u}) {
    FixedLatencyPort memory(latency);
    Icache cache("icache", {}, 8, memory);
    std::uint64_t now = 100;
    CHECK_FALSE(cache.hit(0, kCode));
    cache.request(0, kCode, Cycle{now});
    // Tags 101, bank takes it 101, miss seen 102, address queued 103, on the bus 104, beats
    // 104 + L and 105 + L, line together 106 + L, bank answers 107 + L, response register 108 + L.
    CHECK(answers(cache, now, 1)[0] == 108 + latency);
    CHECK(memory.last_address == etude::Address{kCode});
    CHECK(cache.hit(0, kCode + 12));
    CHECK_FALSE(cache.hit(1, kCode));
    now = 300;
    cache.request(1, kCode, Cycle{now});
    CHECK(answers(cache, now, 1)[1] == 303);  // 301 taken, 302 answered, 303 register
    CHECK(cache.next_activity() != Cycle{0});
    now = 320;
    cache.step(Cycle{now});
    CHECK(cache.next_activity() == etude::kNever);
  }
}

TEST_CASE("icache: straight code costs L + 12 per cold line and 7 per shared one", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 2, memory);
  std::uint64_t now = 0;
  // 32 lines of 4 words: a miss answers after L + 8 = 18, frees the port in 19; 3 hits: 19 + 3 = 22
  // cycles for each line; the last word's answer comes one cycle after its grant.
  CHECK(stream(cache, 0, kCode, 128, now) == 32 * (10 + 12));
  now = 2000;
  CHECK(stream(cache, 1, kCode, 128, now) == 2000 + 32 * 7);
}

TEST_CASE("icache: cores that want one cold line get it at L + 8, 10, 12, 13, 14...", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 8, memory);
  for (unsigned core = 0; core < 8; ++core) {
    cache.request(core, kCode, Cycle{0});
  }
  std::uint64_t now = 1;
  const auto found = answers(cache, now, 8);
  const std::vector<std::uint64_t> expected = {18, 20, 22, 23, 24, 25, 26, 27};
  for (unsigned core = 0; core < 8; ++core) {
    CHECK(found.at(core) == expected[core]);
  }
  CHECK(memory.reads == 1);
}

TEST_CASE("icache: eight cold lines of one bank keep at most four refills in flight", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 8, memory);
  for (unsigned core = 0; core < 8; ++core) {
    cache.request(core, kCode + 0x420 * core, Cycle{0});
  }
  std::uint64_t now = 1;
  std::vector<std::uint64_t> cycles;
  for (const auto& [core, cycle] : answers(cache, now, 8)) {
    cycles.push_back(cycle);
  }
  // Requests enter every 3 cycles, a line blocks its bank's data port for 2 beats + 2 cycles.
  CHECK(cycles == std::vector<std::uint64_t>{18, 22, 26, 30, 34, 38, 45, 50});
}

TEST_CASE("icache: a nine-core cluster has the same latencies", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 9, memory);
  std::uint64_t now = 0;
  cache.request(8, kCode, Cycle{now});
  CHECK(answers(cache, now, 1)[8] == 18);
  for (unsigned core = 0; core < 8; ++core) {
    cache.request(core, kCode, Cycle{100});
  }
  now = 101;
  CHECK(answers(cache, now, 8).size() == 8);
}

TEST_CASE("icache: a switched-off cache fetches every word from memory", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 1, memory);
  CHECK(cache.read_register(ETUDE_ICACHE_ENABLE) != 0);
  cache.write_register(ETUDE_ICACHE_ENABLE, 0, Cycle{0});
  CHECK(cache.read_register(ETUDE_ICACHE_ENABLE) == 0);
  std::uint64_t now = 100;
  for (unsigned n = 0; n < 3; ++n) {
    REQUIRE_FALSE(cache.hit(0, kCode));
    const std::uint64_t start = now;
    cache.request(0, kCode, Cycle{now});
    // Taken and queued 1, on the bus 2, beats 2 + L and 3 + L, answered 4 + L, register 5 + L.
    CHECK(answers(cache, now, 1)[0] == start + 10 + 5);
  }
  CHECK(memory.reads == 3);
  cache.write_register(ETUDE_ICACHE_ENABLE, 0xFFFFFFFF, Cycle{now});
  cache.request(0, kCode, Cycle{now});
  answers(cache, now, 1);
  CHECK(cache.hit(0, kCode));
}

TEST_CASE("icache: a flush empties both levels and takes 8 and 32 cycles", "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 1, memory);
  std::uint64_t now = 0;
  cache.request(0, kCode, Cycle{now});
  answers(cache, now, 1);
  now = 100;
  cache.step(Cycle{now});
  cache.write_register(ETUDE_ICACHE_FLUSH, 1, Cycle{now++});
  CHECK_FALSE(cache.hit(0, kCode));
  cache.request(0, kCode, Cycle{now});
  // The bank sees the flush in 101 and clears a set in each of 102..133, so it takes the request in
  // 134 and answers L + 6 later, one more for the register.
  CHECK(answers(cache, now, 1)[0] == 134 + 10 + 7);
  const unsigned flushes = cache.flushes();
  cache.write_register(ETUDE_ICACHE_SEL_FLUSH, kCode + 4, Cycle{now});
  CHECK_FALSE(cache.hit(0, kCode));
  CHECK(cache.flushes() != flushes);  // who remembers hits asks again
}

TEST_CASE("icache: prefetching is refused with one warning, wrong sizes with an error",
          "[icache]") {
  FixedLatencyPort memory(1);
  Icache cache("icache", {}, 1, memory);
  cache.write_register(ETUDE_ICACHE_PREFETCH, 0xFF, Cycle{0});
  cache.write_register(ETUDE_ICACHE_PREFETCH, 0xFF, Cycle{1});
  CHECK(cache.take_warnings().size() == 1);
  CHECK(cache.take_warnings().empty());
  etude::IcacheConfig config;
  config.private_ways = 3;
  CHECK_THROWS_AS(Icache("wrong", config, 1, memory), etude::UserError);
  config = {};
  config.enabled = false;
  Icache ideal("ideal", config, 1, memory);
  CHECK(ideal.hit(0, 0x12345678));
}

TEST_CASE("icache: a straight loop of 1 KiB thrashes the private cache as the RTL's does",
          "[icache]") {
  FixedLatencyPort memory(10);
  Icache cache("icache", {}, 1, memory);
  std::uint64_t now = 0;
  for (unsigned pass = 0; pass < 4; ++pass) {
    stream(cache, 0, kCode, 256, now);
  }
  // Random replacement: 221 of 256 line visits miss, 64 of them cold, so
  // 64 * 22 + 157 * 7 + 35 * 4 = 2647 cycles, as measured.
  CHECK(cache.refills_.value == 64);
  CHECK(cache.private_misses_.value == 221);
  CHECK(now == 2647);
}
