// SPDX-License-Identifier: Apache-2.0
// Orders of operations on units that run side by side, against timelines by hand.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "compiler/order/controller_model.h"
#include "compiler/order/order.h"
#include "tests/support/timed_ops.h"

namespace etude::compiler {
namespace {

using test::TimedOps;
using List = TimedOps::List;

TEST_CASE("units run side by side, and hand over where a dependence crosses queues") {
  TimedOps ops;
  const auto load = ops.load(500);
  ops.kernel(400, {load});
  const auto made = schedule_operations(ops.graph(), false, {300, 0});
  CHECK(made.cycles == Cycle{500 + 300 + 400});
  CHECK(schedule_operations(ops.graph(), false, {100, 0}).cycles == Cycle{500 + 100 + 400});
  ops.job(1000);  // beside them
  CHECK(schedule_operations(ops.graph(), false, {300, 0}).cycles == Cycle{1200});
  TimedOps own;
  const auto first = own.kernel(100);
  own.kernel(200, {first});
  CHECK(schedule_operations(own.graph()).cycles == Cycle{300});  // no hand-over within a queue
}

TEST_CASE("a unit takes the operation that may start, in program order among several") {
  TimedOps ops;
  const auto load = ops.load(1000);           // 0
  const auto late = ops.kernel(100, {load});  // 1: when that is over
  ops.kernel(200);                            // 2: from 0 to 200
  ops.kernel(300);                            // 3: from 200 to 500
  const auto made = schedule_operations(ops.graph(), false, {300, 0});
  // Posted: the load and kernel 2 at 0 (both queues are free), kernel 3 when 2 starts, kernel 1
  // when the load is over. Queues start in their order, the cores first.
  CHECK(made.order == List{2, load, 3, late});
  // Beside the kernels, until 500, the transfer makes 0.7 * 500 = 350 of its 1000 cycles: it is
  // over at 500 + 650 = 1150.
  CHECK(made.cycles == Cycle{1150 + 300 + 100});
}

TEST_CASE("a transfer is programmed its lead before its turn, no other operation is") {
  TimedOps ops;
  const auto a = ops.load(400);             // 0: 0..400
  const auto b = ops.load(100);             // 1: 400..500
  const auto kernel = ops.kernel(50, {a});  // 2: may be posted from 400 on
  const auto c = ops.load(500);             // 3: 500..1000
  // Without lead the transfers are posted at 0, 400, 500; the kernel at 400, behind the transfer
  // that starts before it does (at 400 + 300).
  CHECK(schedule_operations(ops.graph(), false, {300, 0}).order == List{a, b, kernel, c});
  // With 300 at 0, 100, 200.
  CHECK(schedule_operations(ops.graph(), false, {300, 300}).order == List{a, b, c, kernel});
}

TEST_CASE("transfers of one queue that depend on each other stay in order, whatever the lead") {
  TimedOps ops;
  const auto job = ops.job(1000);
  const auto first = ops.load(100, {job});     // posted when the job is over, at 1000
  const auto second = ops.load(100, {first});  // starts at 1400: with a lead of 1500 at 0
  CHECK(schedule_operations(ops.graph(), false, {300, 1500}).order == List{job, first, second});
}

TEST_CASE("iDMA moves in one direction at a time") {
  TimedOps ops;
  ops.load(500);
  ops.store(600);
  CHECK(schedule_operations(ops.graph(), false).cycles == Cycle{600});
  CHECK(schedule_operations(ops.graph(), true).cycles == Cycle{1100});
}

TEST_CASE("in the timeline, too, RedMulE's port slows the others and cores the DMA") {
  TimedOps ops;
  ops.job(700, {}, 0.5);
  ops.kernel(1000);  // 490 at 1 - 0.6 * 0.5 = 0.7 by 700; 510 alone
  CHECK(schedule_operations(ops.graph()).cycles == Cycle{700 + 510});
  TimedOps dma;
  dma.kernel(1000);
  dma.load(770);  // 700 at 0.7 by 1000; 70 alone
  CHECK(schedule_operations(dma.graph()).cycles == Cycle{1070});
}

TEST_CASE("a probe is over at once, and hands over like any other queue") {
  TimedOps ops;
  const auto first = ops.kernel(100);
  const auto probe = ops.probe({first});  // at 100 + 300
  const auto second = ops.kernel(100, {first, probe});
  const auto made = schedule_operations(ops.graph(), false, {300, 0});
  CHECK(made.order == List{first, probe, second});
  CHECK(made.cycles == Cycle{400 + 300 + 100});
}

TEST_CASE("of all orders the one is taken that the controller runs through first") {
  std::mt19937 random(4);
  for (int turn = 0; turn < 20; ++turn) {
    TimedOps ops;
    for (std::uint32_t i = 0; i < 40; ++i) {
      const std::uint64_t cycles = 50 + random() % 800;
      const auto some = [&]() -> List {
        return i < 3 ? List{} : List{i - 1 - static_cast<std::uint32_t>(random() % 3)};
      };
      switch (i % 4) {
        case 0:
          ops.load(cycles, some());
          break;
        case 1:
          ops.job(cycles, some(), 0.4);
          break;
        case 2:
          ops.kernel(cycles, some());
          break;
        default:
          ops.store(cycles, some());
      }
    }
    const StepGraph graph = ops.graph();
    Cycle least = kNever;
    for (const double hand_over : {100.0, 300.0, 800.0}) {
      for (const double lead : {0.0, 300.0, 1500.0}) {
        const auto order = schedule_operations(graph, false, {hand_over, lead}).order;
        least = std::min(least, replay_cycles(graph, order, false));
        // A permutation in which everything comes behind what it waits for.
        std::vector<std::uint32_t> place(ops.size(), ~0u);
        for (std::uint32_t i = 0; i < order.size(); ++i) {
          place.at(order[i]) = i;
        }
        for (std::uint32_t op = 0; op < ops.size(); ++op) {
          REQUIRE(place[op] < ops.size());
          for (const std::uint32_t before : ops.dependences()[op]) {
            REQUIRE(place[before] < place[op]);
          }
        }
      }
    }
    const auto best = best_order(graph, false);
    CHECK(best.cycles == least);
    CHECK(replay_cycles(graph, best.order, false) == least);
    CHECK(best_order(graph, false, least + Cycle{1}).order == best.order);
    const auto none = best_order(graph, false, least);  // not below the limit: no order
    CHECK(none.order.empty());
    CHECK(none.cycles == least);
  }
}

}  // namespace
}  // namespace etude::compiler
