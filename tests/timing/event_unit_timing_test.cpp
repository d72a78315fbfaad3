// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit.h"
#include "models/event_unit/event_unit_regs.h"

using etude::Cycle;
using etude::EventUnit;
using etude::EventUnitConfig;

namespace {

constexpr std::uint32_t kBarrier0 = ETUDE_EU_BARRIER;

/// Drives the demux ports: one list of (cycle, core, offset, write, data), grants by core in order.
struct Bench {
  struct Access {
    std::uint64_t cycle;
    unsigned core;
    std::uint32_t offset;
    bool write{false};
    std::uint32_t wdata{0};
  };

  Bench(const char* name, unsigned cores)
      : unit(name, [cores] {
          EventUnitConfig config;
          config.cores = cores;
          return config;
        }()) {}

  void run(const std::vector<Access>& accesses, std::uint64_t until) {
    for (; now < until; ++now) {
      for (const Access& access : accesses) {
        if (access.cycle == now) {
          unit.request(access.core, access.offset, access.write, access.wdata, Cycle{now});
        }
      }
      const std::uint32_t granted = unit.step(Cycle{now});
      for (unsigned core = 0; core < 16; ++core) {
        if ((granted >> core & 1u) != 0) {
          grants[core].push_back(now);
          data[core].push_back(unit.rdata(core));
        }
      }
    }
  }
  void set_masks(std::uint32_t mask, unsigned cores) {
    std::vector<Access> list;
    for (unsigned core = 0; core < cores; ++core) {
      list.push_back({now, core, ETUDE_EU_MASK, true, mask});
    }
    run(list, now + 2);
    grants.clear();
    data.clear();
  }

  EventUnit unit;
  std::uint64_t now{0};
  std::map<unsigned, std::vector<std::uint64_t>> grants;
  std::map<unsigned, std::vector<std::uint32_t>> data;
};

using Cycles = std::vector<std::uint64_t>;
using Words = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a barrier of 9 cores opens 2 cycles after the last arrival", "[event_unit]") {
  Bench bench("eu_barrier", 9);
  bench.set_masks(1u << 16, 9);
  bench.run({{10, 0, kBarrier0, true, 0x1FF}}, 11);
  bench.run({{12, 0, kBarrier0 + ETUDE_EU_BARRIER_TARGET_MASK, true, 0x1FF}}, 13);
  bench.grants.clear();
  std::vector<Bench::Access> arrivals;
  for (unsigned core = 0; core < 9; ++core) {
    arrivals.push_back({20 + core, core, kBarrier0 + ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR});
  }
  bench.run(arrivals, 60);
  // Arrival in 28 is in the status in 29, which raises the event line; in the buffer in 30 = 28
  // + 2.
  for (unsigned core = 0; core < 9; ++core) {
    CHECK(bench.grants[core] == Cycles{30});
  }
  // Core 0 waited 30 - 20 = 10 cycles: its clock stands from 20 + 3 to 29, that is 7 cycles.
  CHECK(bench.unit.gated_cycles(0) == Cycle{7});
  CHECK(bench.unit.next_activity() == etude::kNever);
}

TEST_CASE("a pulse in the grant cycle or the one after is lost to a wait-and-clear",
          "[event_unit]") {
  for (const std::uint64_t late : {0u, 1u, 2u}) {
    Bench bench("eu_race", 1);
    bench.set_masks(1u << 12, 1);
    bench.unit.set_event(12, 1, Cycle{5});
    bench.unit.set_event(12, 1, Cycle{10 + late});
    bench.run({{10, 0, ETUDE_EU_EVENT_WAIT_CLEAR}, {20, 0, ETUDE_EU_BUFFER}}, 30);
    REQUIRE(bench.grants[0] == Cycles{10, 20});
    // The clear happens in 11: a bit that is buffered by then, or on its way, goes with it.
    CHECK(bench.data[0][1] == (late == 2 ? 1u << 12 : 0u));
  }
}

TEST_CASE("a second masked event makes a barrier return at once", "[event_unit]") {
  Bench bench("eu_pending", 2);
  bench.set_masks(1u << 16 | 1u << 12, 2);
  bench.run({{3, 0, kBarrier0, true, 3}}, 4);
  bench.run({{5, 0, kBarrier0 + ETUDE_EU_BARRIER_TARGET_MASK, true, 3}}, 6);
  bench.grants.clear();
  bench.unit.set_event(12, 1, Cycle{7});
  bench.run({{10, 0, kBarrier0 + ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR},
             {15, 1, kBarrier0 + ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR}},
            30);
  CHECK(bench.grants[0] == Cycles{10});  // the pending event, not the barrier
  CHECK(bench.grants[1] == Cycles{17});  // core 0's arrival counted all the same: 15 + 2
}

TEST_CASE("the mutex goes to the lowest core, with the last unlock's word", "[event_unit]") {
  Bench bench("eu_mutex", 8);
  bench.set_masks(1u << 17, 8);
  bench.run({{10, 5, ETUDE_EU_MUTEX},
             {11, 7, ETUDE_EU_MUTEX},
             {12, 3, ETUDE_EU_MUTEX},
             {20, 5, ETUDE_EU_MUTEX, true, 0x55},
             {30, 3, ETUDE_EU_MUTEX, true, 0x33}},
            50);
  CHECK(bench.grants[5] == Cycles{11, 20});  // free: request + 1
  CHECK(bench.grants[3] == Cycles{21, 30});  // unlock store in 20, next owner in 21
  CHECK(bench.data[3][0] == 0x55);
  CHECK(bench.grants[7] == Cycles{31});
  CHECK(bench.data[7] == Words{0x33});
}

TEST_CASE("the dispatch FIFO skips entries of other teams, one per cycle", "[event_unit]") {
  Bench bench("eu_dispatch", 4);
  bench.set_masks(1u << 18, 4);
  bench.run({{4, 0, ETUDE_EU_DISPATCH_TEAM, true, 0b0010}}, 5);
  bench.run({{5, 0, ETUDE_EU_DISPATCH, true, 0x11}}, 6);
  bench.run({{6, 0, ETUDE_EU_DISPATCH, true, 0x12}}, 7);
  bench.run({{7, 0, ETUDE_EU_DISPATCH_TEAM, true, 0b0100}}, 8);
  bench.run({{8, 0, ETUDE_EU_DISPATCH, true, 0x13}}, 9);
  bench.grants.clear();
  bench.data.clear();
  bench.run({{20, 1, ETUDE_EU_DISPATCH}, {20, 2, ETUDE_EU_DISPATCH}}, 40);
  CHECK(bench.grants[1] == Cycles{21});  // entry there: request + 1
  CHECK(bench.grants[2] == Cycles{23});  // two entries skipped: 20 + 1 + 2
  CHECK(bench.data[1] == Words{0x11});
  CHECK(bench.data[2] == Words{0x13});
  // Waiting: a push in 50 is in the FIFO in 51, buffered and granted in 52.
  bench.run({{45, 2, ETUDE_EU_DISPATCH}, {50, 0, ETUDE_EU_DISPATCH, true, 0x14}}, 60);
  CHECK(bench.grants[2] == Cycles{23, 52});
  CHECK(bench.data[2] == Words{0x13, 0x14});
}

TEST_CASE("the ninth unread push replaces the oldest entry", "[event_unit]") {
  Bench bench("eu_overflow", 2);
  bench.set_masks(1u << 18, 2);
  bench.run({{3, 0, ETUDE_EU_DISPATCH_TEAM, true, 2}}, 4);
  for (std::uint32_t n = 0; n < 9; ++n) {
    bench.run({{4 + n, 0, ETUDE_EU_DISPATCH, true, 100 + n}}, 5 + n);
  }
  bench.run({{20, 1, ETUDE_EU_DISPATCH}}, 30);
  CHECK(bench.data[1] == Words{108});
}

TEST_CASE("software events: to self, to all, and trigger with wait", "[event_unit]") {
  Bench bench("eu_sw", 3);
  bench.set_masks(1u << 2, 3);
  bench.run({{10, 0, ETUDE_EU_EVENT_WAIT_CLEAR},
             {10, 1, ETUDE_EU_EVENT_WAIT_CLEAR},
             {12, 2, ETUDE_EU_SW_TRIGGER_WAIT_CLEAR + 8}},
            30);
  for (unsigned core = 0; core < 3; ++core) {
    CHECK(bench.grants[core] == Cycles{13});  // trigger-and-wait in 12 wakes all, itself too, in 13
  }
  bench.run({{30, 0, ETUDE_EU_SW_TRIGGER + 8, true, 0b001}}, 31);
  bench.run({{31, 0, ETUDE_EU_EVENT_WAIT_CLEAR}}, 40);
  CHECK(bench.grants[0] == Cycles{13, 30, 31});  // store in 30, bit visible in 31
}

TEST_CASE("the peripheral interconnect port: acts one cycle later, answers after two",
          "[event_unit]") {
  Bench bench("eu_periph", 2);
  bench.set_masks(1u << 4, 2);
  bench.run({{5, 1, ETUDE_EU_EVENT_WAIT_CLEAR}}, 10);
  REQUIRE(bench.unit.periph_request(ETUDE_EU_PERIPH_SW_EVENT + 16, true, 2, 7, Cycle{10}));
  CHECK(bench.unit.next_activity() == Cycle{11});
  bench.run({}, 12);
  REQUIRE(bench.unit.periph_response());  // acted in 11, so the response is valid in 12 = 10 + 2
  CHECK(bench.unit.periph_response()->id == 7);
  bench.run({}, 20);
  CHECK(bench.grants[1] == Cycles{12});  // write granted in 10, core granted in 12
  REQUIRE(bench.unit.periph_request(ETUDE_EU_PERIPH_CORE_STRIDE + ETUDE_EU_MASK, false, 0, 1,
                                    Cycle{20}));
  REQUIRE(bench.unit.periph_request(ETUDE_EU_PERIPH_CORE_STRIDE + ETUDE_EU_MASK, false, 0, 2,
                                    Cycle{20}));
  CHECK_FALSE(bench.unit.periph_request(0, false, 0, 3, Cycle{20}));  // two deep
  bench.run({}, 22);
  CHECK(bench.unit.periph_response()->rdata == 1u << 4);
}

TEST_CASE("an event posted after the cycle was stepped still belongs to it", "[event_unit]") {
  Bench bench("eu_late_post", 1);
  bench.set_masks(1u << 8, 1);
  bench.run({{5, 0, ETUDE_EU_EVENT_WAIT_CLEAR}}, 11);
  bench.unit.set_event(8, 1, Cycle{10});
  CHECK(bench.unit.next_activity() == Cycle{11});
  bench.run({}, 15);
  CHECK(bench.grants[0] == Cycles{11});
}

TEST_CASE("interrupt lines follow the buffer and its mask, and acknowledging clears",
          "[event_unit]") {
  Bench bench("eu_irq", 1);
  bench.run({{0, 0, ETUDE_EU_MASK_IRQ, true, 1u << 10 | 1u << 3}}, 2);
  bench.unit.set_event(3, 1, Cycle{4});
  bench.unit.set_event(10, 1, Cycle{4});
  bench.run({}, 5);
  CHECK(bench.unit.irq_lines(0) == 0);  // line in 4, buffer in 5, request to the core in 6
  bench.run({}, 6);
  CHECK(bench.unit.irq_lines(0) == 1u << 10);
  bench.unit.irq_acknowledge(0, 10);
  bench.run({}, 8);
  CHECK(bench.unit.irq_lines(0) == 1u << 3);
}

TEST_CASE("reset gives back the first state, and wrong sizes are refused", "[event_unit]") {
  Bench bench("eu_reset", 2);
  bench.set_masks(0xFFFF, 2);
  bench.unit.reset();
  bench.now = 0;
  bench.run({{1, 0, ETUDE_EU_MASK}}, 4);
  CHECK(bench.data[0] == Words{0});
  EventUnitConfig config;
  config.cores = 17;
  CHECK_THROWS_AS(EventUnit("eu_wrong", config), etude::UserError);
}
