// SPDX-License-Identifier: Apache-2.0
// Recorded traffic of the RTL interconnect (eight cores, DMA streams, the accelerator's port): the
// same traffic on the model, random numbers included, must give every port the same grants and the
// same wait cycles.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "models/interco/hci.h"
#include "tests/support/recorded_traffic.h"
#include "tests/support/shared_data.h"
#include "tests/support/validation.h"

using namespace etude;

namespace {

constexpr unsigned kPorts = 16;
constexpr unsigned kFirstDma = 12;

struct Traffic {
  std::string pattern;
  std::string dma_pattern;
  std::string wide_pattern;
  double core_load = 1;
  double wide_load = 0;
  double write = 0;  ///< share of writes among the accesses of the narrow ports
  unsigned gap = 0;
  unsigned cores = 8;
  unsigned dmas = 0;
  bool wide_write = false;
};

struct Counts {
  std::vector<std::uint64_t> grants = std::vector<std::uint64_t>(kPorts);
  std::vector<std::uint64_t> waits = std::vector<std::uint64_t>(kPorts);
  std::uint64_t wide = 0;
  std::uint64_t wasted = 0;
};

// Bank of the k-th access of core i, for the patterns without chance.
unsigned core_bank(const std::string& pattern, unsigned i, unsigned k) {
  static const unsigned kMixStride[] = {1, 2, 3, 5, 7, 8, 16, 4};
  if (pattern == "samebank" || pattern == "sameword") {
    return 0;
  }
  if (pattern == "ownbank") {
    return i;
  }
  if (pattern == "mm") {
    return k % 2 == 0 ? 64 * i + k / 2 : 64 * (k / 2);  // alternately A[i][k] and B[k][0]
  }
  if (pattern == "mmp") {
    return k % 2 == 0 ? 65 * 4 * i + k / 2 : 65 * (k / 2);  // rows four apart, pitch 65 words
  }
  if (pattern == "burst2") {
    return k / 4;
  }
  if (pattern == "mix") {
    return 3 * i + kMixStride[i] * k;
  }
  if (pattern.rfind("stride", 0) == 0) {
    const unsigned stride = static_cast<unsigned>(std::stoul(pattern.substr(6)));
    return stride * k + (pattern.back() == 's' ? i : 0);
  }
  FAIL("unknown pattern " << pattern);
  return 0;
}

Counts run(const Traffic& t, const HciConfig& config, std::uint64_t cycles, unsigned seed) {
  Hci hci(sc_core::sc_gen_unique_name("hci"), config, HciShape{});
  test::RecordedTraffic random(seed);
  Counts counts;
  std::vector<unsigned> accesses(kPorts);
  std::vector<unsigned> pause(kPorts);
  std::vector<std::uint64_t> waited(kPorts);
  unsigned wide_accesses = 0;
  HciRequests r;
  r.wide_write = t.wide_write;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    for (unsigned port = 0; port < kPorts; ++port) {
      const bool core = port < t.cores;
      if ((!core && (port < kFirstDma || port >= kFirstDma + t.dmas)) ||
          (r.mask >> port & 1) != 0) {
        continue;
      }
      if (pause[port] > 0) {
        --pause[port];
        continue;
      }
      if (core && !random.chance(t.core_load)) {
        continue;
      }
      const unsigned k = accesses[port];
      unsigned bank;
      if (!core) {
        const unsigned j = port - kFirstDma;
        // A pair of ports moves 64-bit beats; single streams are words apart by four.
        bank = t.dma_pattern == "pair" ? 2 * k + j % 2 : 4 * j + k;
      } else if (t.pattern == "rand") {
        bank = static_cast<unsigned>(random.next());
      } else if (t.pattern == "half") {
        random.next();                                    // one number goes elsewhere
        bank = static_cast<unsigned>(random.next() % 8);  // in one half of the banks
      } else {
        bank = core_bank(t.pattern, port, k);
      }
      random.chance(t.write);  // reads and writes are arbitrated alike
      r.mask |= 1u << port;
      r.bank[port] = static_cast<std::uint8_t>(bank % 16);
    }
    if (!r.wide && t.wide_load > 0 && random.chance(t.wide_load)) {
      r.wide = true;
      const unsigned k = wide_accesses;
      const unsigned bank = t.wide_pattern == "seq8"      ? 8 * k
                            : t.wide_pattern == "seq9"    ? 9 * k
                            : t.wide_pattern == "pitch48" ? 8 * (k % 3)  // rows of three accesses
                                                          : static_cast<unsigned>(random.next());
      r.wide_bank = static_cast<std::uint8_t>(bank % 16);
    }
    const HciGrants g = hci.arbitrate(r);
    for (unsigned port = 0; port < kPorts; ++port) {
      if ((g.mask >> port & 1) != 0) {
        ++counts.grants[port];
        counts.waits[port] += waited[port];  // the record counts the waits of served accesses
        waited[port] = 0;
        ++accesses[port];
        pause[port] = port < t.cores ? t.gap : 0;
      } else {
        waited[port] += r.mask >> port & 1;
      }
    }
    r.mask &= ~g.mask;
    if (g.wide) {
      r.wide = false;
      ++counts.wide;
      ++wide_accesses;
    } else if (r.wide) {
      counts.wasted += static_cast<unsigned>(__builtin_popcountll(g.wide_banks_won));
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("recorded traffic gets the grants that the RTL gave", "[hci][contention]") {
  const auto file = test::shared_file("reference/tcdm_contention.csv");
  test::ValidationPoints points("tcdm_contention", {"id", "q", "seed"});
  int exact = 0;
  int random = 0;
  for (const auto& row : test::read_csv(file)) {
    const auto text = [&](const char* name) { return row.at(name); };
    const auto number = [&](const std::string& name) { return std::stod(row.at(name)); };
    const auto whole = [&](const std::string& name) {
      return static_cast<unsigned>(std::stoul(row.at(name)));
    };
    Traffic t;
    t.pattern = text("pat");
    t.dma_pattern = text("dpat");
    t.wide_pattern = text("hpat");
    t.core_load = number("q");
    t.wide_load = number("hq");
    t.gap = whole("gap");
    t.cores = t.core_load > 0 ? whole("nc") : 0;
    t.dmas = whole("nd");
    t.write = number("wr");
    t.wide_write = whole("hwr") != 0;
    HciConfig config;
    config.priority =
        whole("inv") != 0 ? HciConfig::Priority::kAccelerator : HciConfig::Priority::kCores;
    config.max_stall = whole("ms");
    if (text("part").rfind("2b", 0) == 0) {
      config.arbiter = HciConfig::Arbiter::kWindow;
      config.window = whole("den");
    }
    const std::uint64_t cycles = whole("cycles");
    const bool chance = t.pattern == "rand" || t.pattern == "half" ||
                        (t.core_load > 0 && t.core_load < 1) ||
                        (t.wide_load > 0 && (t.wide_load < 1 || t.wide_pattern == "rnd"));
    INFO(text("id") << ": cores " << number("core_gnt") << ", DMA " << number("dma_gnt")
                    << ", accelerator " << number("hwpe_gnt"));
    ++(chance ? random : exact);
    const Counts c = run(t, config, cycles, whole("seed"));
    double all = static_cast<double>(c.wide);
    for (unsigned port = 0; port < kPorts; ++port) {
      CHECK(c.grants[port] == whole("g" + std::to_string(port)));
      CHECK(c.waits[port] == whole("w" + std::to_string(port)));
      all += static_cast<double>(c.grants[port]);
    }
    CHECK(c.wide == whole("hwpe_gnt"));
    CHECK(c.wasted == whole("hwpe_wasted_bank_acc"));
    points.add({text("id"), text("q"), text("seed")}, chance ? "random" : "without chance",
               number("core_gnt") + number("dma_gnt") + number("hwpe_gnt"), all);
  }
  CHECK(exact > 60);
  CHECK(random > 100);
}

TEST_CASE("a matmul's pitch decides: 64 words collide, 65 do not", "[hci]") {
  // All cores read A[i][k] and a shared B column. With a pitch of 64 words every row and the column
  // start in bank 0: 1.88 grants per cycle. With 65 the cores fall apart by one cycle each in the
  // first access to B and lose nothing afterwards: 8.00.
  const auto grants_per_cycle = [](unsigned pitch) {
    Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{});
    std::vector<unsigned> k(8);
    HciRequests r;
    std::uint64_t grants = 0;
    for (int cycle = 0; cycle < 20000; ++cycle) {
      for (unsigned i = 0; i < 8; ++i) {
        r.mask |= 1u << i;
        r.bank[i] = static_cast<std::uint8_t>(
            (k[i] % 2 == 0 ? pitch * i + k[i] / 2 : pitch * (k[i] / 2)) % 16);
      }
      const HciGrants g = hci.arbitrate(r);
      for (unsigned i = 0; i < 8; ++i) {
        k[i] += g.mask >> i & 1;
      }
      grants += static_cast<unsigned>(__builtin_popcount(g.mask));
    }
    return static_cast<double>(grants) / 20000;
  };
  CHECK(grants_per_cycle(64) == Approx(1.88).epsilon(0.01));
  CHECK(grants_per_cycle(65) == Approx(8.00).epsilon(0.01));
}
