// SPDX-License-Identifier: Apache-2.0
// What a step takes when one controller posts its operations. Posting costs it 70 cycles for a
// kernel, 110 for a RedMulE job, 130 for a transfer; looking whether a unit is far enough 50
// (cores), 100 (RedMulE), 200 (DMA), 50 (SoC DMA); going on after a wait that really waited 60.
#include "compiler/order/controller_model.h"

#include <catch2/catch.hpp>

#include "tests/support/timed_ops.h"

namespace etude::compiler {
namespace {

using test::TimedOps;

std::uint64_t cycles_of(const TimedOps& ops, bool one_dma = false) {
  return replay_cycles(ops.graph(), ops.in_order(), one_dma).raw();
}

TEST_CASE("a unit works through its queue; the controller posts ahead") {
  TimedOps ops;
  ops.kernel(1000);
  CHECK(cycles_of(ops) == 1000);  // posted at 0
  ops.kernel(100);
  CHECK(cycles_of(ops) == 1100);  // posted at 70, starts when the first is over
  ops.kernel(50);
  CHECK(cycles_of(ops) == 1150);
}

TEST_CASE("posting takes as long as the kind of operation says") {
  // Each has one cycle of its own, so the last of three counts: 2 posts + 1 cycle.
  TimedOps kernels, jobs, loads, stores, pages;
  for (int i = 0; i < 3; ++i) {
    kernels.kernel(1);
    jobs.job(1);
    loads.load(1);
    stores.store(1);
    pages.page(1);
  }
  CHECK(cycles_of(kernels) == 2 * 70 + 1);
  CHECK(cycles_of(jobs) == 2 * 110 + 1);
  CHECK(cycles_of(loads) == 2 * 130 + 1);
  CHECK(cycles_of(stores) == 2 * 130 + 1);
  CHECK(cycles_of(pages) == 2 * 130 + 1);
}

TEST_CASE("what the controller takes is what its graph was given") {
  TimedOps ops;
  const auto load = ops.load(500);
  ops.kernel(400, {load});
  ops.kernel(1, {});
  UnitCosts costs = test::hand_costs();
  costs.post_kernel = 1000;
  costs.look_dma = 20;
  costs.wake = 3;
  // The first kernel is posted at 500; then 1000 + 20 + 3 cycles, and the last one takes its own.
  CHECK(replay_cycles(ops.graph(costs), ops.in_order(), false) == Cycle{500 + 1023 + 1});
  // Of a transfer beside cores at work a tenth of the speed is left.
  TimedOps both;
  both.kernel(5000);
  both.load(100);  // posted at 1000
  costs.bank_conflicts = 0.1;
  CHECK(replay_cycles(both.graph(costs), both.in_order(), false) == Cycle{5000});
  CHECK(speed_beside_redmule(costs, kOutwards, 0, true) == Approx(0.1));
}

TEST_CASE("who waits for another unit looks at it, and is late if it really waited") {
  TimedOps ops;
  const auto load = ops.load(500);
  ops.kernel(400, {load});
  CHECK(cycles_of(ops) == 900);  // posted at 500, when the transfer is over
  // After it the controller goes on at 500 + 70 (post) + 200 (look at the DMA) + 60 (waited) = 830.
  ops.job(1000);
  CHECK(cycles_of(ops) == 830 + 1000);
}

TEST_CASE("each unit is looked at for its own price, once for all operations up to a number") {
  // The waiting operation follows a long kernel that lets all others end, so that nothing waits:
  // the last kernel is posted when the controller is free.
  const auto waits_for = [](auto add) {
    TimedOps ops;
    const auto before = add(ops);
    for (int i = 0; i < 5; ++i) {
      ops.page(1);  // lets 5 * 130 cycles pass
    }
    const auto looks = ops.kernel(1, {before});
    ops.job(1);
    ops.job(1, {looks});  // looks at the cores too
    return cycles_of(ops);
  };
  // 130 (load) + 650 (pages) + 70 + 200 (look at the DMA) = 1050 the first job is posted, and at
  // 1050 + 110 = 1160 the second: + 1.
  CHECK(waits_for([](TimedOps& ops) { return ops.load(1); }) == 130 + 650 + 270 + 110 + 1);
  CHECK(waits_for([](TimedOps& ops) { return ops.store(1); }) == 130 + 650 + 270 + 110 + 1);
  CHECK(waits_for([](TimedOps& ops) { return ops.job(1); }) == 110 + 650 + 170 + 110 + 1);
  CHECK(waits_for([](TimedOps& ops) { return ops.page(1); }) == 130 + 650 + 120 + 110 + 1);

  // Two kernels that wait for the same transfer, or for an earlier one: one look. The last job is
  // posted at 2 * 130 + 5 * 130 + (70 + 200) + 70 + 70.
  TimedOps ops;
  const auto first = ops.load(1), second = ops.load(1);
  for (int i = 0; i < 5; ++i) {
    ops.page(1);
  }
  ops.kernel(1, {second});
  ops.kernel(1, {second});
  ops.kernel(1, {first});
  ops.job(1);
  CHECK(cycles_of(ops) == 2 * 130 + 650 + 270 + 70 + 70 + 1);
}

TEST_CASE("each operation waits for its own dependences") {
  TimedOps ops;
  const auto first = ops.page(100), second = ops.page(1000);
  ops.kernel(10, {first});  // posted at 260, when the transfer is long over
  ops.job(10, {second});    // posted when the other is over, at 130 + 1000
  CHECK(cycles_of(ops) == 1140);
}

TEST_CASE("a dependence within a queue costs nothing") {
  TimedOps ops;
  const auto first = ops.kernel(300);
  ops.kernel(100, {first});
  ops.job(500);
  CHECK(cycles_of(ops) == 2 * 70 + 500);
}

TEST_CASE("a full queue holds the controller up") {
  const auto depth = [](auto add, std::uint64_t post, bool one_dma) {
    // Operations of 10,000 cycles, then one on another unit that outlasts them all: it is posted
    // without delay as long as they fit into their queue.
    for (unsigned count = 1; count <= 20; ++count) {
      TimedOps ops;
      for (unsigned i = 0; i < count; ++i) {
        add(ops);
      }
      if (post == 110) {
        ops.kernel(1000000);
      } else {
        ops.job(1000000);
      }
      if (cycles_of(ops, one_dma) != count * post + 1000000) {
        return count - 1;
      }
    }
    return 20u;
  };
  // One job is running and one waits; a transfer of MCHAN likewise, in each direction.
  CHECK(depth([](TimedOps& ops) { ops.job(10000); }, 110, false) == 2);
  CHECK(depth([](TimedOps& ops) { ops.load(10000); }, 130, false) == 2);
  CHECK(depth([](TimedOps& ops) { ops.store(10000); }, 130, false) == 2);
  CHECK(depth([](TimedOps& ops) { ops.page(10000); }, 130, false) == 4);
  CHECK(depth([](TimedOps& ops) { ops.load(10000); }, 130, true) == 16);
  // iDMA takes both directions into its sixteen places.
  CHECK(depth(
            [](TimedOps& ops) {
              ops.load(10000);
              ops.store(10000);
            },
            260, true) == 8);
  CHECK(depth(
            [](TimedOps& ops) {
              ops.load(10000);
              ops.store(10000);
            },
            260, false) == 2);

  // Seven kernels: the eighth is posted when the first is over, at 10,000. Then
  // 10,000 + 70 + 60 (waited) = 10,130 a job is posted.
  TimedOps ops;
  for (int i = 0; i < 7; ++i) {
    ops.kernel(10000);
  }
  ops.job(100000);
  CHECK(cycles_of(ops) == 7 * 70 + 100000);
  TimedOps more;
  for (int i = 0; i < 8; ++i) {
    more.kernel(10000);
  }
  more.job(100000);
  CHECK(cycles_of(more) == 10130 + 100000);
}

TEST_CASE("the directions of MCHAN pass each other, those of iDMA do not") {
  TimedOps ops;
  ops.load(1000);
  ops.store(1000);
  CHECK(cycles_of(ops, false) == 130 + 1000);
  CHECK(cycles_of(ops, true) == 2000);
}

TEST_CASE("RedMulE's port slows cores and DMA, and the cores the DMA") {
  // Half of the cycles of L1 are taken: the cores, with 0.6 accesses per instruction, run at 0.7.
  TimedOps cores;
  cores.job(810, {}, 0.5);
  cores.kernel(1000);
  // From 110 to 810 at 0.7: 490 of 1000 cycles. 510 are left.
  CHECK(cycles_of(cores) == 810 + 510);

  // A transfer gets the other half.
  TimedOps dma;
  dma.job(910, {}, 0.5);
  dma.load(1000);
  CHECK(cycles_of(dma) == 910 + 600);  // 400 from 110 to 910

  // Beside kernels it loses to bank conflicts: 0.7.
  TimedOps conflicts;
  conflicts.kernel(1070);
  conflicts.store(1000);
  CHECK(cycles_of(conflicts) == 1070 + 300);  // 700 from 70 to 1070

  // All of them: (1 - 0.5) * 0.7 = 0.35 of its speed. The kernel of 7000 cycles runs from 110.
  TimedOps all;
  all.job(2180, {}, 0.5);
  all.kernel(7000);  // from 180 on the transfer runs too
  all.load(1000);    // 700 from 180 to 2180; then 300 / 0.7 = 428.6
  all.job(1, {2});   // posted when it is over, at 2608
  all.kernel(1);
  // The kernels: 0.7 * 2070 = 1449 of 7000 by 2180.
  CHECK(cycles_of(all) == 2180 + 5551 + 1);
  // A transfer alone beside a port that takes everything still creeps, at a tenth.
  CHECK(speed_beside_redmule(test::hand_costs(), kOutwards, 1.0, false) == Approx(0.1));
  // Others are not slowed.
  CHECK(speed_beside_redmule(test::hand_costs(), queue_of(TaskUnit::kSocDma), 0.5, true) == 1);
  CHECK(speed_beside_redmule(test::hand_costs(), queue_of(TaskUnit::kRedmule), 0.5, true) == 1);
}

TEST_CASE("a probe waits for what it reads and costs nothing") {
  TimedOps ops;
  const auto kernel = ops.kernel(500);
  const auto probe = ops.probe({kernel});
  ops.job(100, {probe});
  CHECK(cycles_of(ops) == 500 + 100);  // held up by the probe, posted at 500
  ops.load(1000);
  CHECK(cycles_of(ops) == 500 + 110 + 60 + 1000);  // it had waited; no look for a probe
}

TEST_CASE("a replay gives up when it cannot stay below the limit") {
  TimedOps ops;
  for (int i = 0; i < 10; ++i) {
    const auto load = ops.load(100);
    ops.kernel(1000, {load});
  }
  const StepGraph graph = ops.graph();
  const auto order = ops.in_order();
  const Cycle exact = replay_cycles(graph, order, false);
  CHECK(exact > Cycle{10000});  // ten kernels one after the other
  CHECK(replay_cycles(graph, order, false, exact + Cycle{1}) == exact);
  CHECK(replay_cycles(graph, order, false, exact) >= exact);
  CHECK(replay_cycles(graph, order, false, exact - Cycle{1}) >= exact - Cycle{1});
  // Before the first event 10,000 cycles of kernels are known: nothing has to be replayed.
  CHECK(replay_cycles(graph, order, false, Cycle{9000}) == Cycle{10000});
}

}  // namespace
}  // namespace etude::compiler
