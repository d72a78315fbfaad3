// SPDX-License-Identifier: Apache-2.0
// How much more L2 a plan needs than lives at once: nothing, on the networks that are shipped.
#include <catch2/catch.hpp>
#include <numeric>

#include "compiler/lower/write_tape.h"
#include "compiler/memory/memory_plan.h"
#include "models/base/pulp_map_regs.h"
#include "tests/support/lowered_step.h"

namespace etude::compiler {
namespace {

struct Case {
  const char* network;
  std::vector<unsigned> sizes;
  unsigned batch;
};

TEST_CASE("packed by size, a step fits into the bytes that live at once", "[memory_plan]") {
  const Case c = GENERATE(Case{"cct2", {}, 1}, Case{"deep_ae", {}, 24}, Case{"resnet8", {}, 1},
                          Case{"bert", {}, 1});
  INFO(c.network);
  const TrainingGraph training =
      make_training_graph(make_network(c.network, c.sizes, c.batch), 0.01);
  const PlatformConfig platform = test::platform_of(true, 256);
  const TilingConfig tiling;
  const Step step(training, platform, tiling, TrainConfig::Precision::kFp32);
  Schedule schedule;
  schedule.order.resize(step.operators.size());
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  Tilings tilings(step.cost, platform.cluster.redmule);
  const WrittenStep written = write_tape(step, schedule, {}, tilings);
  for (const Placement placement : {Placement::kL2, Placement::kExtmem, Placement::kExtmemTwice}) {
    const auto plan = [&](Bytes bytes) {
      Tape tape = written.tape;
      return plan_memory(tape, step.graph(), placement, Address{ETUDE_L2_BASE}, bytes);
    };
    const MemoryPlan roomy = plan(Bytes{64u << 20});
    REQUIRE(roomy.fits);
    const MemoryPlan tight = plan(roomy.l2_at_once);
    CAPTURE(static_cast<int>(placement), roomy.l2_at_once.raw(), tight.missing.raw());
    CHECK(tight.fits);
    CHECK(tight.l2_peak == roomy.l2_at_once);
    CHECK_FALSE(plan(roomy.l2_at_once - Bytes{8}).fits);
  }
}

}  // namespace
}  // namespace etude::compiler
