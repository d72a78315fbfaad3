// SPDX-License-Identifier: Apache-2.0
// RedMulE, eight cores with random traffic and DMA streams behind the interconnect, against the
// RTL's cycles.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <vector>

#include "models/interco/hci.h"
#include "models/redmule/redmule.h"
#include "models/redmule/redmule_regs.h"
#include "tests/support/recorded_traffic.h"
#include "tests/support/shared_data.h"
#include "tests/support/validation.h"

namespace {

using namespace etude;

struct Scenario {
  std::uint32_t m, n, k;
  double issue;  ///< probability per cycle that a core without an access starts one
  bool invert;
  unsigned max_stall;
  std::uint32_t seed;
  unsigned streams = 0;     ///< DMA ports that read word after word, without pause
  std::uint64_t limit = 0;  ///< give the job up after so many cycles
};

/// What the record says about a job.
struct Counts {
  std::uint64_t cycles = 0;  ///< from TRIGGER to the done event
  std::uint64_t asked = 0;   ///< cycles in which the wide port asks
  std::uint64_t granted = 0;
  std::uint64_t wasted = 0;  ///< banks that refused accesses got
  std::uint64_t core_grants = 0, dma_grants = 0;
};

/// The bench of the record: each core holds one access to a random bank until it is granted, DMA
/// streams read word after word, and both run for a hundred cycles when the job is triggered, its
/// tiler done before. Operands stand 64-byte aligned, one after the other.
Counts run(Redmule& redmule, Hci& hci, const Scenario& s) {
  constexpr std::uint32_t kBase = 0x10000000u;
  constexpr std::uint64_t kAhead = 100;  ///< cycles of traffic before TRIGGER
  std::vector<std::uint8_t> memory(256 * 1024);
  hci.reset();
  hci.set_priority(s.invert, s.max_stall);
  test::RecordedTraffic random(1000 + s.seed);
  const auto aligned = [](std::uint32_t bytes) { return (bytes + 63) / 64 * 64; };
  const std::uint32_t w = kBase + aligned(2 * s.m * s.n), z = w + aligned(2 * s.n * s.k);
  std::uint64_t now = redmule.next_activity() == kNever ? 0 : redmule.next_activity().raw();
  const std::uint32_t registers[][2] = {
      {ETUDE_REDMULE_SOFT_CLEAR, 0},
      {ETUDE_REDMULE_X_PTR, kBase},
      {ETUDE_REDMULE_W_PTR, w},
      {ETUDE_REDMULE_Z_PTR, z},
      {ETUDE_REDMULE_MCFG0, s.k << 16 | s.m},
      {ETUDE_REDMULE_MCFG1, s.n},
      {ETUDE_REDMULE_ARITH, 1u << ETUDE_REDMULE_OP_SHIFT | 1u << ETUDE_REDMULE_FMT_SHIFT}};
  for (const auto& [offset, value] : registers) {
    redmule.reg_write(offset, value, Cycle{now++});
  }
  HciRequests requests;
  std::uint32_t words[4] = {0, 4, 8, 12};  // the next word of each stream
  const auto draw = [&] {
    for (unsigned i = 0; i < s.streams; ++i) {
      requests.mask |= 1u << (12 + i);
      requests.bank[12 + i] = static_cast<std::uint8_t>(words[i] % 16);
    }
    for (unsigned core = 0; core < 8; ++core) {
      if ((requests.mask >> core & 1u) == 0 && random.chance(s.issue)) {
        requests.mask |= 1u << core;
        requests.bank[core] = static_cast<std::uint8_t>(random.next() % 16);
      }
    }
  };
  Counts counts;
  const auto take = [&](const HciGrants& grants, bool count) {
    requests.mask &= ~grants.mask;
    for (unsigned i = 0; i < s.streams; ++i) {
      words[i] += grants.mask >> (12 + i) & 1u;
    }
    if (count) {
      counts.core_grants += static_cast<unsigned>(__builtin_popcount(grants.mask & 0xffu));
      counts.dma_grants += static_cast<unsigned>(__builtin_popcount(grants.mask >> 12));
    }
  };
  for (std::uint64_t i = 0; i <= kAhead; ++i, ++now) {
    if (i == kAhead) {
      redmule.reg_write(ETUDE_REDMULE_TRIGGER, 0, Cycle{now});
    }
    draw();
    take(hci.arbitrate(requests), i == kAhead);
  }
  const std::uint64_t triggered = now - 1;
  while (!redmule.take_done_event(Cycle{now}) && now - triggered < s.limit) {
    draw();
    const WideRequest& wide = redmule.request(Cycle{now});
    requests.wide = wide.valid;
    requests.wide_write = wide.write;
    requests.wide_bank = static_cast<std::uint8_t>(wide.address >> 2 & 15u);
    const HciGrants grants = hci.arbitrate(requests);
    counts.asked += wide.valid;
    counts.granted += grants.wide;
    if (wide.valid && !grants.wide) {
      counts.wasted += static_cast<unsigned>(__builtin_popcountll(grants.wide_banks_won));
    }
    take(grants, true);
    const std::uint8_t* data = wide.valid ? &memory[wide.address - kBase] : nullptr;
    redmule.commit(Cycle{now}, grants.wide, data);
    ++now;
  }
  counts.cycles = now - triggered;
  for (; redmule.busy(); ++now) {  // the last rows of Z
    const WideRequest& wide = redmule.request(Cycle{now});
    redmule.commit(Cycle{now}, true, wide.valid ? &memory[wide.address - kBase] : nullptr);
  }
  while (redmule.take_done_event(Cycle{now})) {  // of a job that was given up above
  }
  return counts;
}

TEST_CASE("RedMulE among eight random cores and DMA streams is as slow as in the RTL",
          "[redmule][fidelity][contention]") {
  const auto file = test::shared_file("reference/redmule_contention.csv");
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), RedmuleConfig{});
  HciConfig config;
  Hci hci(sc_core::sc_gen_unique_name("hci"), config, HciShape{});
  unsigned points = 0, equal = 0;
  test::ValidationPoints record("redmule_contention",
                                {"M", "N", "K", "q", "nd", "inv", "ms", "seed"});
  for (auto& row : test::read_csv(file)) {
    const Scenario s{
        .m = static_cast<std::uint32_t>(std::stoul(row["M"])),
        .n = static_cast<std::uint32_t>(std::stoul(row["N"])),
        .k = static_cast<std::uint32_t>(std::stoul(row["K"])),
        .issue = std::stod(row["q"]),
        .invert = row["inv"] == "1",
        .max_stall = static_cast<unsigned>(std::stoul(row["ms"])),
        .seed = static_cast<std::uint32_t>(std::stoul(row["seed"])),
        .streams = static_cast<unsigned>(std::stoul(row["nd"])),
        // one row is of a job that starves, and ends where the bench gave it up
        .limit = row["timeout"] == "0" ? ~std::uint64_t{0} : std::stoull(row["cycles"])};
    const Counts model = run(redmule, hci, s);
    record.add(
        {row["M"], row["N"], row["K"], row["q"], row["nd"], row["inv"], row["ms"], row["seed"]},
        s.invert ? "accelerator first" : "cores first", std::stod(row["cycles"]),
        static_cast<double>(model.cycles));
    INFO(row["M"] << "," << row["N"] << "," << row["K"] << " q=" << row["q"] << " nd=" << row["nd"]
                  << " inv=" << row["inv"] << " ms=" << row["ms"] << " seed=" << row["seed"]);
    ++points;
    equal += model.cycles == std::stoull(row["cycles"]);
    CHECK(model.cycles == std::stoull(row["cycles"]));
    CHECK(model.asked == std::stoull(row["hwpe_req_cyc"]));
    CHECK(model.granted == std::stoull(row["hwpe_gnt"]));
    CHECK(model.wasted == std::stoull(row["hwpe_wasted_bank_acc"]));
    // The record rounds both to four digits after the point.
    const auto per_cycle = [&](std::uint64_t grants) {
      return static_cast<double>(grants) / static_cast<double>(model.cycles);
    };
    CHECK(std::fabs(per_cycle(model.core_grants) - std::stod(row["core_gnt_per_cyc"])) < 5.1e-5);
    CHECK(std::fabs(per_cycle(model.dma_grants) - std::stod(row["dma_gnt_per_cyc"])) < 5.1e-5);
  }
  std::cout << "redmule among random cores: " << equal << " of " << points << " jobs equal\n";
  CHECK(points > 370);
}

}  // namespace
