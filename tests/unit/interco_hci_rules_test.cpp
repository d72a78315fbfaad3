// SPDX-License-Identifier: Apache-2.0
// The arbitration written down once more, rule by rule and without any short cut, against the
// model.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/interco/hci.h"

using namespace etude;

namespace {

struct Rules {
  HciConfig config;
  HciShape shape;
  bool invert;
  unsigned max_stall;
  unsigned levels = 0;
  std::vector<unsigned> rr, lock;
  std::vector<std::vector<bool>> req_q;
  unsigned ctr = 0;

  Rules(const HciConfig& c, const HciShape& s)
      : config(c),
        shape(s),
        invert(c.priority == HciConfig::Priority::kAccelerator),
        max_stall(c.max_stall),
        rr(s.banks),
        lock(s.banks),
        req_q(s.banks, std::vector<bool>(s.ports)) {
    while ((1u << levels) < s.ports) {
      ++levels;
    }
  }

  unsigned win(const std::vector<bool>& d, unsigned pointer) const {
    std::vector<unsigned> leaves(1u << levels);
    for (unsigned i = 0; i < leaves.size(); ++i) {
      leaves[i] = i;
    }
    const auto any = [&](const std::vector<unsigned>& part) {
      for (unsigned i : part) {
        if (i < d.size() && d[i]) {
          return true;
        }
      }
      return false;
    };
    for (int bit = static_cast<int>(levels) - 1; bit >= 0; --bit) {
      const auto middle = leaves.begin() + static_cast<long>(leaves.size() / 2);
      const std::vector<unsigned> left(leaves.begin(), middle);
      const std::vector<unsigned> right(middle, leaves.end());
      leaves = !any(left) || (any(right) && (pointer >> bit & 1) == 1) ? right : left;
    }
    return leaves[0];
  }

  static unsigned next(const std::vector<bool>& d, unsigned pointer) {
    for (unsigned i = pointer + 1; i < d.size(); ++i) {
      if (d[i]) {
        return i;
      }
    }
    for (unsigned i = 0;; ++i) {
      if (d[i]) {
        return i;
      }
    }
  }

  HciGrants cycle(const HciRequests& r) {
    std::vector<std::vector<bool>> d(shape.banks, std::vector<bool>(shape.ports));
    std::vector<bool> log(shape.banks), wide(shape.banks);
    for (unsigned b = 0; b < shape.banks; ++b) {
      for (unsigned i = 0; i < shape.ports; ++i) {
        d[b][i] = (r.mask >> i & 1) != 0 && r.bank[i] == b;
      }
      if (lock[b] != 0) {
        d[b] = req_q[b];
      }
      for (unsigned i = 0; i < shape.ports; ++i) {
        log[b] = log[b] || d[b][i];
      }
    }
    for (unsigned w = 0; r.wide && w < shape.wide_banks; ++w) {
      wide[(r.wide_bank + w) % shape.banks] = true;
    }
    const auto& high = invert ? wide : log;
    const auto& low = invert ? log : wide;
    bool high_any = false, low_any = false, conflict = false;
    for (unsigned b = 0; b < shape.banks; ++b) {
      high_any = high_any || high[b];
      low_any = low_any || low[b];
      conflict = conflict || (high[b] && low[b]);
    }
    bool en;
    if (config.arbiter == HciConfig::Arbiter::kStall) {
      en = high_any;
      if (max_stall > 0 && ctr >= max_stall) {
        en = false;
      }
      ctr = en && low_any ? (ctr + 1) % 256 : 0;
    } else {
      const bool suppress = max_stall > 0 && max_stall <= ctr && ctr < config.window && conflict;
      en = !suppress;
      if (conflict) {
        ctr = ctr + 1 == config.window ? 0 : (ctr + 1) % 256;
      }
    }
    HciGrants g;
    g.wide = r.wide;
    for (unsigned b = 0; b < shape.banks; ++b) {
      const bool to_high = en && high[b];
      const bool to_log = to_high != invert;
      if (wide[b] && !to_log) {
        g.wide_banks_won |= std::uint64_t{1} << b;
      }
      g.wide = g.wide && (!wide[b] || !to_log);
      if (log[b] && to_log) {
        const unsigned w = win(d[b], rr[b]);
        rr[b] = next(d[b], rr[b]);
        if ((r.mask >> w & 1) != 0 && r.bank[w] == b) {
          g.mask |= 1u << w;
        }
      }
      lock[b] = log[b] && !to_log ? 1 : 0;
      req_q[b] = d[b];
    }
    return g;
  }
};

struct Case {
  unsigned ports, banks, wide_banks;
  HciConfig::Priority priority;
  unsigned max_stall;
  HciConfig::Arbiter arbiter;
  unsigned window;
};

/// Requests are held until granted, as the protocol has it: each cycle anew, or raised once; or
/// masters sometimes let go.
enum class Masters { kHold, kRaise, kWithdraw };

void compare(const Case& c, Masters masters, double load, unsigned seed) {
  const bool withdraw = masters == Masters::kWithdraw;
  const bool raise = masters == Masters::kRaise;
  HciConfig config;
  config.priority = c.priority;
  config.max_stall = c.max_stall;
  config.arbiter = c.arbiter;
  config.window = c.window;
  const HciShape shape{c.ports, c.banks, c.wide_banks};
  Hci hci(sc_core::sc_gen_unique_name("hci"), config, shape);
  Rules rules(config, shape);
  std::mt19937 random(seed);
  const auto chance = [&](double p) { return random() < p * 4294967296.0; };
  HciRequests r;
  for (int cycle = 0; cycle < 3000; ++cycle) {
    const bool quiet = (cycle / 100) % 5 == 4;  // stretches without anything new
    for (unsigned i = 0; i < c.ports; ++i) {
      if ((r.mask >> i & 1) == 0 ? !quiet && chance(load) : withdraw && chance(0.05)) {
        r.mask ^= 1u << i;
        r.bank[i] = static_cast<std::uint8_t>(random() % c.banks);
        if (raise) {
          hci.raise(i, r.bank[i]);
        }
      }
    }
    if (!r.wide && c.wide_banks > 0 && !quiet && chance(0.7)) {
      r.wide = true;
      r.wide_bank = static_cast<std::uint8_t>(random() % c.banks);
    }
    const HciGrants got = raise ? hci.arbitrate_raised(r) : hci.arbitrate(r);
    const HciGrants want = rules.cycle(r);
    CAPTURE(c.ports, c.banks, c.wide_banks, cycle);
    REQUIRE(got.mask == want.mask);
    REQUIRE(got.wide == want.wide);
    REQUIRE(got.wide_banks_won == want.wide_banks_won);
    REQUIRE(hci.stall_counter() == rules.ctr);
    for (unsigned b = 0; b < c.banks; ++b) {
      REQUIRE(hci.round_robin(b) == rules.rr[b]);
      REQUIRE(hci.locked(b) == (rules.lock[b] != 0));
    }
    r.mask &= ~got.mask;
    if (raise) {
      REQUIRE(hci.raised() == r.mask);
    }
    r.wide = r.wide && !got.wide;
    if (r.mask == 0 && !r.wide && quiet) {
      const unsigned n = random() % 4;
      hci.idle_cycles(n);
      for (unsigned i = 0; i < n; ++i) {
        rules.cycle(HciRequests{});
      }
    }
  }
}

}  // namespace

TEST_CASE("grants and state are those of the written rules", "[hci]") {
  const auto cores = HciConfig::Priority::kCores;
  const auto accelerator = HciConfig::Priority::kAccelerator;
  const auto stall = HciConfig::Arbiter::kStall;
  const auto window = HciConfig::Arbiter::kWindow;
  const Case cases[] = {
      {16, 16, 9, cores, 0, stall, 0},        {16, 16, 9, accelerator, 0, stall, 0},
      {16, 16, 9, cores, 1, stall, 0},        {16, 16, 9, accelerator, 8, stall, 0},
      {17, 16, 16, accelerator, 8, stall, 0}, {17, 16, 9, cores, 3, stall, 0},
      {24, 32, 17, cores, 255, stall, 0},     {13, 8, 8, accelerator, 2, stall, 0},
      {1, 1, 1, cores, 2, stall, 0},          {5, 64, 33, accelerator, 4, stall, 0},
      {9, 2, 2, cores, 1, stall, 0},          {16, 16, 0, cores, 0, stall, 0},
      {24, 64, 64, cores, 4, stall, 0},       {16, 16, 9, cores, 4, window, 5},
      {16, 16, 9, accelerator, 1, window, 4}, {17, 16, 16, accelerator, 2, window, 3},
      {16, 16, 9, cores, 0, window, 0},
  };
  unsigned seed = 1;
  for (const Case& c : cases) {
    for (const double load : {0.05, 0.4, 1.0}) {
      for (const Masters masters : {Masters::kHold, Masters::kWithdraw, Masters::kRaise}) {
        compare(c, masters, load, seed++);
      }
    }
  }
}

TEST_CASE("the stall counter of a starving low side wraps at 8 bits", "[hci]") {
  // Cores first, no limit: bank 0 is asked for by port 0 and the accelerator in every cycle, so the
  // counter counts each of them: 255 after 255 cycles, 0 after 256.
  Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{});
  HciRequests r;
  r.mask = 1;
  r.wide = true;
  for (int i = 0; i < 255; ++i) {
    hci.arbitrate(r);
  }
  CHECK(hci.stall_counter() == 255);
  hci.arbitrate(r);
  CHECK(hci.stall_counter() == 0);
  hci.arbitrate(r);
  hci.idle_cycles(3);
  CHECK(hci.stall_counter() == 0);
}

TEST_CASE("the priority register works at once and reset restores the configured one", "[hci]") {
  Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{});
  HciRequests r;
  r.mask = 1;
  r.wide = true;
  CHECK(hci.arbitrate(r).mask == 1);
  hci.set_priority(true, 0);
  CHECK(hci.arbitrate(r).wide);
  hci.reset();
  CHECK_FALSE(hci.invert());
  CHECK(hci.arbitrate(r).mask == 1);
}

TEST_CASE("a refused wide access is counted by what it did in the banks it got", "[hci]") {
  // Port 0 holds bank 0; the port of nine banks from bank 0 gets the other eight.
  Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{});
  HciRequests r;
  r.mask = 1;
  r.wide = true;
  hci.arbitrate(r);
  r.wide_write = true;
  hci.arbitrate(r);
  hci.arbitrate(r);
  std::map<std::string, std::uint64_t> counters;
  hci.visit_counters([&](const Counter& c) { counters[c.name] = c.value; });
  CHECK(counters["wasted_reads"] == 8);
  CHECK(counters["partial_writes"] == 16);
  CHECK(counters["wide_refused"] == 3);
  CHECK(counters["log_grants"] == 3);
}

TEST_CASE("an impossible interconnect is refused", "[hci]") {
  const auto make = [](HciConfig config, HciShape shape) {
    Hci hci(sc_core::sc_gen_unique_name("hci"), config, shape);
  };
  CHECK_THROWS_AS(make({}, {25, 16, 9}), UserError);
  CHECK_THROWS_AS(make({}, {0, 16, 9}), UserError);
  CHECK_THROWS_AS(make({}, {16, 12, 9}), UserError);
  CHECK_THROWS_AS(make({}, {16, 128, 9}), UserError);
  CHECK_THROWS_AS(make({}, {16, 8, 9}), UserError);
  HciConfig config;
  config.max_stall = 256;
  CHECK_THROWS_AS(make(config, {}), UserError);
}
