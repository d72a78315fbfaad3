// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "models/dma/dma_bench.h"
#include "models/dma/mchan_regs.h"

using namespace etude;

namespace {

struct Bench {
  FixedLatencyMemory memory{1 << 16, 5, 5};
  std::unique_ptr<ClusterDma> dma;
  std::uint64_t now = 0;

  explicit Bench(DmaConfig config = {})
      : dma(make_dma(sc_core::sc_gen_unique_name("dma"), config, 4, memory)) {}

  // One cycle with at most one access; all banks are granted. Returns the events.
  std::uint32_t cycle() {
    ClusterDma::Requests out;
    const std::uint32_t asked = dma->requests(Cycle{now}, out);
    dma->commit(Cycle{now}, asked, {});
    return dma->take_events(Cycle{now++});
  }
  DmaReply access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata = 0) {
    const DmaReply reply = dma->access(core, offset, write, wdata, Cycle{now});
    cycle();
    return reply;
  }
  // Repeats an access until it is granted; returns its answer.
  std::uint32_t insist(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata = 0) {
    for (int i = 0; i < 1000; ++i) {
      const DmaReply reply = access(core, offset, write, wdata);
      if (reply.granted) {
        return reply.rdata;
      }
    }
    FAIL("never granted");
    return 0;
  }
  std::uint32_t start(unsigned core, std::uint32_t flags, std::uint32_t bytes = 64) {
    const std::uint32_t id = insist(core, ETUDE_MCHAN_CMD, false);
    insist(core, ETUDE_MCHAN_CMD, true, bytes | ETUDE_MCHAN_INCREMENT | flags);
    insist(core, ETUDE_MCHAN_CMD, true, ETUDE_L1_BASE + 0x100);
    insist(core, ETUDE_MCHAN_CMD, true, ETUDE_L2_BASE + 0x200);
    return id;
  }
};

}  // namespace

TEST_CASE("STATUS shows active and reserved ids, and a write frees them", "[dma]") {
  Bench b;
  CHECK(b.insist(0, ETUDE_MCHAN_STATUS, false) == 0);
  const std::uint32_t id = b.start(0, ETUDE_MCHAN_TO_L1);
  CHECK(id == 0);
  CHECK(b.insist(0, ETUDE_MCHAN_STATUS, false) == 0x00010001);
  for (int i = 0; i < 100; ++i) {
    b.cycle();
  }
  CHECK(b.insist(0, ETUDE_MCHAN_STATUS, false) == 0x00010000);
  b.insist(0, ETUDE_MCHAN_STATUS, true, 1u << id);
  CHECK(b.insist(0, ETUDE_MCHAN_STATUS, false) == 0);
  CHECK_FALSE(b.dma->busy());
}

TEST_CASE("the seventeenth id is given only when one is freed", "[dma]") {
  Bench b;
  for (std::uint32_t i = 0; i < 16; ++i) {
    CHECK(b.start(i % 2, ETUDE_MCHAN_TO_L1, 8) == i);
  }
  for (int i = 0; i < 300; ++i) {
    b.cycle();
  }
  CHECK_FALSE(b.access(0, ETUDE_MCHAN_CMD, false).granted);
  b.insist(1, ETUDE_MCHAN_STATUS, true, 1u << 5);
  CHECK(b.insist(0, ETUDE_MCHAN_CMD, false) == 5);
}

TEST_CASE("the event goes to the programming core, to all, or to nobody", "[dma]") {
  const std::pair<std::uint32_t, std::uint32_t> cases[] = {
      {ETUDE_MCHAN_EVENT, 0b0100}, {ETUDE_MCHAN_EVENT | ETUDE_MCHAN_BROADCAST, 0b1111}, {0, 0}};
  for (const auto& [flags, expected] : cases) {
    Bench b;
    b.start(2, ETUDE_MCHAN_TO_L1 | flags);
    std::uint32_t seen = 0;
    int pulses = 0;
    for (int i = 0; i < 100; ++i) {
      const std::uint32_t events = b.cycle();
      seen |= events;
      pulses += events != 0 ? 1 : 0;
    }
    CHECK(seen == expected);
    CHECK(pulses == (expected != 0 ? 1 : 0));
  }
}

TEST_CASE("wrong register accesses are reported and do not hang", "[dma]") {
  Bench b;
  CHECK(b.access(0, 0x8, false).granted);
  const DmaFault fault = b.dma->take_fault();
  CHECK(fault.happened);
  CHECK(fault.core == 0);
  CHECK_FALSE(b.dma->take_fault().happened);

  b.insist(1, ETUDE_MCHAN_CMD, false);
  CHECK_FALSE(b.access(1, ETUDE_MCHAN_STATUS, false).granted);  // in the middle of programming
  CHECK(b.insist(1, ETUDE_MCHAN_STATUS, false) == 0x00010000);
  CHECK(b.dma->take_fault().core == 1);
}

TEST_CASE("reset forgets everything", "[dma]") {
  Bench b;
  b.start(0, ETUDE_MCHAN_TO_L1);
  CHECK(b.dma->busy());
  b.dma->reset();
  CHECK_FALSE(b.dma->busy());
  CHECK(b.dma->next_activity() == kNever);
  CHECK(b.insist(0, ETUDE_MCHAN_STATUS, false) == 0);
}

TEST_CASE("an impossible DMA is refused", "[dma]") {
  const auto make = [](unsigned burst, unsigned outstanding, unsigned queue, unsigned cores) {
    FixedLatencyMemory memory(16, 1, 1);
    DmaConfig config;
    config.burst = Bytes{burst};
    config.outstanding = outstanding;
    config.queue = queue;
    make_dma(sc_core::sc_gen_unique_name("dma"), config, cores, memory);
  };
  CHECK_NOTHROW(make(256, 8, 16, 9));
  CHECK_THROWS_AS(make(100, 8, 16, 9), UserError);
  CHECK_THROWS_AS(make(256, 0, 16, 9), UserError);
  CHECK_THROWS_AS(make(256, 8, 17, 9), UserError);
  CHECK_THROWS_AS(make(256, 8, 16, 17), UserError);
}
