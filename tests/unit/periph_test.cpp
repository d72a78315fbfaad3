// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/base/pulp_map_regs.h"
#include "models/periph/clint.h"
#include "models/periph/cluster_ctrl.h"
#include "models/periph/timer.h"

using namespace etude;
using namespace etude::literals;

TEST_CASE("the timer counts from the cycle after it was started", "[timer]") {
  Timer timer{"timer"};
  timer.write(ETUDE_TIMER_START_LO, 1, 10_cy);
  CHECK(timer.read(ETUDE_TIMER_CNT_LO, 11_cy) == 0);
  CHECK(timer.read(ETUDE_TIMER_CNT_LO, 31_cy) == 20);
  timer.write(ETUDE_TIMER_RESET_LO, 1, 40_cy);
  CHECK(timer.read(ETUDE_TIMER_CNT_LO, 46_cy) == 5);
}

TEST_CASE("a compare match raises its event once, in its cycle", "[timer]") {
  Timer timer{"timer"};
  timer.write(ETUDE_TIMER_CMP_LO, 50, 0_cy);
  timer.write(ETUDE_TIMER_CFG_LO, 1 | 4, 9_cy);  // enabled from cycle 10 on, interrupt armed
  // value 0 in cycle 10, so 50 in cycle 60
  CHECK(timer.next_activity(10_cy) == 60_cy);
  CHECK(timer.take_events(59_cy) == 0);
  CHECK(timer.take_events(60_cy) == 1);
  CHECK(timer.take_events(61_cy) == 0);
}

TEST_CASE("cascaded halves count in 64 bits", "[timer]") {
  Timer timer{"timer"};
  timer.write(ETUDE_TIMER_CFG_LO, 1u | (1u << 31), 0_cy);
  timer.write(ETUDE_TIMER_CNT_LO, 0xFFFFFFFFu, 1_cy);  // value 0xFFFFFFFF in cycle 2
  CHECK(timer.read(ETUDE_TIMER_CNT_LO, 3_cy) == 0);
  CHECK(timer.read(ETUDE_TIMER_CNT_LO + 4, 3_cy) == 1);
}

TEST_CASE("the cluster control keeps boot addresses and reports the end", "[cluster_ctrl]") {
  ClusterCtrl ctrl{"ctrl"};
  ctrl.reset(0x108);
  CHECK(ctrl.read(ETUDE_CTRL_CLUSTER_CFG) == 0x108);
  ctrl.write(ETUDE_CTRL_BOOTADDR0 + 4 * 3, 0x1C000080);
  CHECK(ctrl.boot_address(3) == Address{0x1C000080});
  ctrl.write(ETUDE_CTRL_RETURN, (1u << 31) | 5);
  CHECK_FALSE(ctrl.ended());
  ctrl.write(ETUDE_CTRL_EOC, 1);
  CHECK(ctrl.ended());
  CHECK(ctrl.return_value() == 5);
}

TEST_CASE("mtimecmp raises MTIP from its cycle on, msip at once", "[clint]") {
  Clint clint{"clint"};
  clint.write(0x4004, 0, 3_cy);
  clint.write(0x4000, 100, 4_cy);
  CHECK(clint.next_activity(5_cy) == 100_cy);
  CHECK(clint.lines(0, 99_cy) == 0);
  CHECK(clint.lines(0, 100_cy) == Clint::kMtip);
  CHECK(clint.lines(1, 100_cy) == 0);
  clint.write(4, 1, 7_cy);
  CHECK(clint.lines(1, 7_cy) == Clint::kMsip);
}
