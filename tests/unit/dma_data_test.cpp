// SPDX-License-Identifier: Apache-2.0
// The bytes: random transfers of both engines, with and without refused TCDM accesses, against a
// plain copy.
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "models/dma/dma_bench.h"
#include "models/dma/mchan.h"

using namespace etude;

namespace {

constexpr std::uint32_t kSlot = 0x4000;  // bytes of L1 and of memory for each transfer
constexpr unsigned kMost = 8;

DmaBenchTransfer draw(std::mt19937& random, unsigned slot, bool idma) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  DmaBenchTransfer t;
  t.core = below(2);
  t.to_l1 = below(2) == 0;
  t.l1 = slot * kSlot + below(64);
  t.ext = slot * kSlot + below(300);
  const std::uint32_t row = 1 + below(below(2) == 0 ? 40 : 600);
  const std::uint32_t rows = 1 + below(12);
  t.bytes = row * rows;
  if (below(2) == 0) {
    t.ext_row_bytes = row;
    t.ext_stride = row + below(60);
  }
  if (below(2) == 0) {
    // MCHAN takes rows of another length on the L1 side.
    const bool other = !idma && below(2) == 0 && rows > 1;
    t.l1_row_bytes = other ? 1 + below(row * 2) : row;
    t.l1_stride = t.l1_row_bytes + below(60);
  }
  if (t.bytes > 2000 && t.l1_row_bytes != 0 && t.l1_row_bytes < 16) {
    t.l1_row_bytes = t.l1_stride = 0;  // would run over the slot
  }
  return t;
}

std::uint32_t side(std::uint32_t base, std::uint32_t row, std::uint32_t stride, std::uint32_t i) {
  return row == 0 ? base + i : base + i / row * stride + i % row;
}

std::map<std::string, std::uint64_t> counters(const ClusterDma& dma) {
  std::map<std::string, std::uint64_t> all;
  dma.visit_counters([&](const Counter& c) { all[c.name] = c.value; });
  return all;
}

void run_random(DmaConfig config, int runs, unsigned seed) {
  std::mt19937 random(seed);
  const bool idma = config.engine == DmaConfig::Engine::kIdma;
  for (int run = 0; run < runs; ++run) {
    const unsigned lr = 1 + random() % 40;
    const unsigned lw = 1 + random() % 40;
    const double p = run % 3 == 0 ? 0.0 : run % 3 == 1 ? 0.15 : 0.5;
    DmaBench bench;
    bench.engine = config.engine;
    bench.gap = random() % 3;
    const unsigned count = 1 + random() % kMost;
    for (unsigned i = 0; i < count; ++i) {
      bench.transfers.push_back(draw(random, i, idma));
    }
    bench.tcdm.resize(kMost * kSlot);
    FixedLatencyMemory memory(kMost * kSlot, lr, lw);
    for (std::size_t i = 0; i < bench.tcdm.size(); ++i) {
      bench.tcdm[i] = static_cast<std::uint8_t>(random());
      memory.bytes()[i] = static_cast<std::uint8_t>(random());
    }
    auto tcdm = bench.tcdm;
    auto ext = memory.bytes();
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const DmaBenchTransfer& t : bench.transfers) {
      (t.to_l1 ? in : out) += t.bytes;
      for (std::uint32_t i = 0; i < t.bytes; ++i) {
        const std::uint32_t l1 = side(t.l1, t.l1_row_bytes, t.l1_stride, i);
        const std::uint32_t x = side(t.ext, t.ext_row_bytes, t.ext_stride, i);
        (t.to_l1 ? tcdm[l1] : ext[x]) = t.to_l1 ? ext[x] : tcdm[l1];
      }
    }
    // The same grants in both runs: a function of cycle and port alone.
    const unsigned salt = random();
    bench.deny = [p, salt](std::uint64_t cycle, unsigned port) {
      std::uint64_t h = (cycle * 4 + port + salt) * 0x9E3779B97F4A7C15ull;
      h ^= h >> 29;
      return static_cast<double>(h * 0xBF58476D1CE4E5B9ull >> 40) < p * 16777216.0;
    };
    DmaBench again = bench;
    FixedLatencyMemory memory_again = memory;

    const auto dma = make_dma(sc_core::sc_gen_unique_name("dma"), config, 2, memory);
    bench.run(*dma, 1'000'000);
    CAPTURE(run, seed, lr, lw, p);
    REQUIRE(bench.tcdm == tcdm);
    REQUIRE(memory.bytes() == ext);
    auto c = counters(*dma);
    REQUIRE(c["bytes_in"] == in);
    REQUIRE(c["bytes_out"] == out);
    REQUIRE(c["transfers"] == count);

    // Cycles that next_activity() leaves out change nothing, nor does what MCHAN has learned.
    again.every_cycle = true;
    const auto twin = make_dma(sc_core::sc_gen_unique_name("dma"), config, 2, memory_again);
    if (auto* mchan = dynamic_cast<Mchan*>(twin.get())) {
      mchan->use_automata(false);
    }
    again.run(*twin, 1'000'000);
    REQUIRE(again.tcdm == tcdm);
    REQUIRE(memory_again.bytes() == ext);
    for (unsigned i = 0; i < count; ++i) {
      REQUIRE(again.transfers[i].launched == bench.transfers[i].launched);
      REQUIRE(again.transfers[i].done == bench.transfers[i].done);
    }
    REQUIRE(counters(*twin) == c);
    REQUIRE(bench.committed <= again.committed);
  }
}

}  // namespace

TEST_CASE("MCHAN moves every byte and no other, also when banks are taken", "[dma]") {
  run_random(DmaConfig{}, 300, 1);
}

TEST_CASE("MCHAN with short bursts and few of them moves the same bytes", "[dma]") {
  DmaConfig config;
  config.burst = Bytes{64};
  config.outstanding = 2;
  config.queue = 2;
  run_random(config, 100, 2);
}

TEST_CASE("iDMA moves every byte and no other, also when banks are taken", "[dma]") {
  DmaConfig config;
  config.engine = DmaConfig::Engine::kIdma;
  run_random(config, 300, 3);
}
