// SPDX-License-Identifier: Apache-2.0
// Single transfers whose cycles follow from the engines' pipelines, every bank granted at once.
// D = cycle of completion - cycle of the last programming access; L = LR (to L1) or LW (from L1).
#include <catch2/catch.hpp>

#include "models/dma/dma_bench.h"

using namespace etude;

namespace {

struct Run {
  std::vector<DmaBenchTransfer> transfers;
  std::uint64_t bursts = 0;
};

Run run(DmaConfig config, unsigned latency, std::vector<DmaBenchTransfer> transfers) {
  DmaBench bench;
  bench.engine = config.engine;
  bench.transfers = std::move(transfers);
  bench.tcdm.resize(1 << 17);
  FixedLatencyMemory memory(1 << 17, latency, latency);
  const auto dma = make_dma(sc_core::sc_gen_unique_name("dma"), config, 4, memory);
  bench.run(*dma, 1'000'000);
  Run result;
  result.transfers = bench.transfers;
  dma->visit_counters([&](const Counter& c) {
    const std::string name = c.name;
    result.bursts += name == "bursts_read" || name == "bursts_write" ? c.value : 0;
  });
  return result;
}

DmaBenchTransfer transfer(bool to_l1, std::uint32_t bytes, std::uint32_t l1 = 0,
                          std::uint32_t ext = 0, unsigned core = 0) {
  DmaBenchTransfer t;
  t.core = core;
  t.to_l1 = to_l1;
  t.bytes = bytes;
  t.l1 = l1;
  t.ext = ext;
  return t;
}

std::uint64_t cycles(DmaConfig config, unsigned latency, const DmaBenchTransfer& t) {
  const Run r = run(config, latency, {t});
  return r.transfers[0].done - r.transfers[0].launched;
}

DmaConfig idma() {
  DmaConfig config;
  config.engine = DmaConfig::Engine::kIdma;
  return config;
}

}  // namespace

TEST_CASE("MCHAN: one beat to L1 takes 14 + L cycles", "[dma]") {
  // Command queue 1, splitter 1, row 1, unpacker 1, push 1, address 1, register slice 1: on the bus
  // at 7. L to the data, register slice 1, queue 1, aligner: first 1, last 1, TCDM word 1 = 12 + L;
  // 2 more until the lanes' ends are joined and counted = 14 + L.
  for (const unsigned latency : {1u, 5u, 40u}) {
    CHECK(cycles({}, latency, transfer(true, 8)) == 14 + latency);
    CHECK(cycles({}, latency, transfer(true, 1)) == 14 + latency);
  }
}

TEST_CASE("MCHAN: aligned transfers take 14 + L + n/8 and 2 (to L1) or 3 cycles per burst more",
          "[dma]") {
  // The aligner needs n/8 + 2 cycles for a burst of n bytes (two beats before the first leaves);
  // from L1 the next burst's address waits one cycle more for the last beat of the one before.
  for (const unsigned latency : {1u, 5u, 20u}) {
    for (const unsigned bursts : {1u, 2u, 8u, 16u}) {
      const unsigned bytes = 256 * bursts;
      CHECK(cycles({}, latency, transfer(true, bytes)) ==
            14 + latency + bytes / 8 + 2 * (bursts - 1));
      CHECK(cycles({}, latency, transfer(false, bytes)) ==
            14 + latency + bytes / 8 + 3 * (bursts - 1));
    }
  }
}

TEST_CASE("MCHAN: a single byte behind the last burst stays with it", "[dma]") {
  // 4096 bytes from offset 1: 255 to the boundary, 14 bursts of 256, and 257 in the last = 16.
  CHECK(run({}, 5, {transfer(true, 4096, 0, 1)}).bursts == 16);
  // From offset 2: 254, 15 of 256, and 2 = 17.
  CHECK(run({}, 5, {transfer(true, 4096, 0, 2)}).bursts == 17);
  CHECK(run({}, 5, {transfer(true, 257, 0, 0)}).bursts == 1);
}

TEST_CASE("MCHAN: the programming core is refused until its transfer is unpacked", "[dma]") {
  // An idle engine takes a transfer 4 cycles after its last access; the next one's id can be read
  // 1 later, its data are there 1 later, and 3 writes follow: 4 + 1 + 4 = 9.
  const Run idle = run({}, 5, {transfer(true, 64), transfer(true, 64, 1024, 1024)});
  CHECK(idle.transfers[1].launched - idle.transfers[0].launched == 9);
  // Four times 4096 bytes: the third waits until the second is unpacked, which waits for the first.
  const Run full = run({}, 5,
                       {transfer(true, 4096), transfer(true, 4096, 4096, 4096),
                        transfer(true, 4096, 8192, 8192), transfer(true, 4096, 12288, 12288)});
  const auto since = [&](unsigned i) {
    return full.transfers[i].launched - full.transfers[0].launched;
  };
  CHECK(since(1) == 9);
  CHECK(since(2) == 256);
  CHECK(since(3) == 256 + 16 * 34);  // one transfer of 16 bursts of 34 cycles later
}

TEST_CASE("MCHAN: the two directions do not disturb each other", "[dma]") {
  // 64 bursts of 34 cycles to L1, of 35 from L1, at the same time.
  const unsigned bytes = 16384;
  const Run both = run({}, 5, {transfer(true, bytes), transfer(false, bytes, 65536, 65536)});
  CHECK(both.transfers[0].done - both.transfers[0].launched == 14 + 5 + bytes / 8 + 2 * 63);
  CHECK(both.transfers[1].done - both.transfers[1].launched == 14 + 5 + bytes / 8 + 3 * 63);
}

TEST_CASE("MCHAN: with a long latency eight bursts are in flight", "[dma]") {
  // Latency 400 hides behind 8 bursts only: 64 bursts in 8 rounds of 400 + 2 + 32 cycles each; the
  // last round ends with 7 further bursts of 34 cycles and the tail of a single one.
  const std::uint64_t round = 400 + 2 + 32;
  CHECK(cycles({}, 400, transfer(true, 64 * 256)) >= 8 * round);
  CHECK(cycles({}, 400, transfer(true, 64 * 256)) <= 9 * round);
}

TEST_CASE("iDMA: aligned transfers take 11 + L + n/8 cycles in both directions", "[dma]") {
  // Queue 1, burst 1, demultiplexer 1, address register 1: on the bus at 4. L to the data, two
  // registers 2, byte lanes 1, two registers on the way to the port 2 = 9 + L for the first beat;
  // n/8 - 1 beats more, the other side's latency of 1, and 2 back = 11 + L + n/8.
  for (const unsigned latency : {1u, 5u, 40u}) {
    for (const unsigned bytes : {8u, 64u, 1024u, 2048u, 16384u}) {
      CHECK(cycles(idma(), latency, transfer(true, bytes)) == 11 + latency + bytes / 8);
      CHECK(cycles(idma(), latency, transfer(false, bytes)) == 11 + latency + bytes / 8);
    }
  }
}

TEST_CASE("iDMA: bursts end at 2 KiB of either address", "[dma]") {
  CHECK(run(idma(), 5, {transfer(true, 4096)}).bursts == 2);
  CHECK(run(idma(), 5, {transfer(true, 4096, 1024, 0)}).bursts == 4);
  CHECK(run(idma(), 5, {transfer(true, 4096, 0, 1024)}).bursts == 4);
}

TEST_CASE("iDMA: the core programs a transfer every 6 cycles, two cores launch in turn", "[dma]") {
  // 4 writes, the read that launches, and its data cycle = 6.
  const Run one = run(idma(), 5, {transfer(true, 8), transfer(true, 8, 64, 64)});
  CHECK(one.transfers[1].launched - one.transfers[0].launched == 6);
  const Run two = run(idma(), 5, {transfer(true, 8), transfer(true, 8, 64, 64, 1)});
  CHECK(two.transfers[1].launched - two.transfers[0].launched == 1);
}

TEST_CASE("Records name the direction, both addresses and all bytes of a transfer", "[dma]") {
  for (const DmaConfig& config : {DmaConfig{}, idma()}) {
    for (const bool to_l1 : {true, false}) {
      const DmaRecord record = run(config, 5, {transfer(to_l1, 256, 64, 512)}).transfers[0].record;
      CHECK(record.to_l1 == to_l1);
      CHECK(record.l1 == 0x10000000 + 64);
      CHECK(record.ext == 0x1C000000 + 512);
      CHECK(record.bytes == 256);
    }
  }
}

TEST_CASE("iDMA: the directions take turns", "[dma]") {
  // 16 KiB in, then 16 KiB out: 2048 beats each, the second one's addresses wait for the first's
  // last response: much longer than one alone, shorter than both with their whole latency.
  const Run both = run(idma(), 5, {transfer(true, 16384), transfer(false, 16384, 65536, 65536)});
  const std::uint64_t all = both.transfers[1].done - both.transfers[0].launched;
  CHECK(all >= 2 * 2048 + 11 + 5);
  CHECK(all <= 2 * (2048 + 11 + 5));
}
