// SPDX-License-Identifier: Apache-2.0
// Whole training steps, lowered and executed by the host interpreter, against the float64
// reference.
#include "compiler/lower/lower.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "tests/support/lowered_step.h"
#include "workloads/training/counts.h"

namespace etude::compiler {
namespace {

using test::check_step;
using test::platform_of;

struct Sizes {
  std::vector<unsigned> layers;
  unsigned batch;
};

TrainingGraph mlp(const Sizes& sizes) {
  return make_training_graph(make_network("mlp", sizes.layers, sizes.batch), 0.125);
}

TEST_CASE("a small perceptron trains on both units, whatever the L1") {
  const bool redmule = GENERATE(false, true);
  const unsigned l1 = GENERATE(24u, 32u, 64u, 256u);
  const auto sizes = GENERATE(Sizes{{5, 3}, 1}, Sizes{{17, 33, 9}, 7}, Sizes{{40, 64, 24, 40}, 24},
                              Sizes{{70, 130, 65, 70}, 50});
  INFO("redmule " << redmule << ", " << l1 << " KiB, batch " << sizes.batch);
  check_step(mlp(sizes), platform_of(redmule, l1), {}, 2);
}

TEST_CASE("random perceptrons train on both units") {
  std::uint64_t state = GENERATE(range(1, 25));
  const auto draw = [&](unsigned low, unsigned high) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return low + static_cast<unsigned>((state >> 33) % (high - low + 1));
  };
  Sizes sizes{{}, draw(1, 40)};
  for (unsigned i = draw(2, 5); i > 0; --i) {
    sizes.layers.push_back(draw(1, 90));
  }
  LowerOptions options;
  options.home = draw(0, 2) == 0 ? WorkloadConfig::Home::kExtmem : WorkloadConfig::Home::kAuto;
  options.tiling.double_buffer = draw(0, 3) != 0;
  const unsigned cores = draw(1, 8);
  const auto platform = platform_of(draw(0, 1) != 0, 8 + 4 * draw(2, 20), cores);
  INFO("batch " << sizes.batch << ", layers " << sizes.layers.size());
  check_step(mlp(sizes), platform, options);
}

TEST_CASE("perceptrons train in mixed precision on an fp16 array, outside its errata") {
  const unsigned l1 = GENERATE(32u, 64u, 256u);
  const auto sizes = GENERATE(Sizes{{5, 3}, 1}, Sizes{{17, 33, 9}, 7}, Sizes{{40, 64, 4, 40}, 24},
                              Sizes{{70, 131, 65, 70}, 13});
  INFO(l1 << " KiB, batch " << sizes.batch);
  PlatformConfig platform = platform_of(true, l1);
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp16;
  platform.cluster.redmule.errata = RedmuleConfig::Errata::kError;
  LowerOptions options;
  options.precision = TrainConfig::Precision::kMixedFp16;
  const TrainingGraph training = mlp(sizes);
  for (const Node& node : training.graph.nodes()) {
    if (node.op == OpType::kGemm) {
      options.tiling.operators[node.name].unit = TileConfig::Unit::kRedmule;
    }
  }
  // FP16 keeps 11 bits, and a ReLU whose input is near 0 may switch: one of 13 samples' parts.
  const Program program = check_step(training, platform, options, 2, {}, 0.1);
  CHECK(count_of<MatrixJob>(program.tasks) > 0);
}

TEST_CASE("Deep-AE trains on RedMulE, on cores, and with its parameters in HyperRAM") {
  const auto training = make_training_graph(make_network("deep_ae", {}, 24), 0.01);
  LowerOptions options;
  SECTION("RedMulE") {
    const Program program = check_step(training, platform_of(true, 256), options, 2);
    CHECK(!program.home_extmem);
    CHECK(program.modelled_cycles.raw() < 700000);
    std::uint64_t macs = 0;
    for (const Operation& operation : program.tasks.operations) {
      if (const auto* job = operation.as<MatrixJob>()) {
        macs += std::uint64_t{job->m} * job->n * job->k;
      }
    }
    // A reduction of 8 is padded to 12: at most 1 % more in all.
    CHECK(static_cast<double>(macs) <=
          1.01 * static_cast<double>(count(training.graph).total_macs()));
    CHECK(macs > 0.9 * static_cast<double>(count(training.graph).total_macs()));
  }
  SECTION("cores") {
    const Program program = check_step(training, platform_of(false, 256), options);
    CHECK(count_of<MatrixJob>(program.tasks) == 0);
  }
  SECTION("HyperRAM") {
    options.home = WorkloadConfig::Home::kExtmem;
    const Program program = check_step(training, platform_of(true, 256), options, 2);
    CHECK(program.home_extmem);
    CHECK(program.parameters[0].address.raw() >= 0x80000000u);
  }
  SECTION("HyperRAM, and an L2 smaller than the parameters") {
    options.home = WorkloadConfig::Home::kAuto;
    auto platform = platform_of(true, 128);
    platform.l2.size = Bytes{1100 * 1024};
    CHECK(check_step(training, platform, options).home_extmem);
  }
}

TEST_CASE("a task list that L2 cannot hold is at home in HyperRAM and comes part by part") {
  const auto training = make_training_graph(make_network("deep_ae", {}, 24), 0.01);
  auto platform = platform_of(GENERATE(false, true), 24);
  platform.l2.size = Bytes{760 * 1024};
  const Program program = check_step(training, platform, {}, 2);
  const TaskList& tasks = program.tasks;
  REQUIRE(tasks.window.raw() != 0);
  CHECK(tasks.bytes.size() > 2 * tasks.window.raw());
  // Each part is waited for before the runtime's ring (32 operations) can reach it.
  const std::uint64_t part = tasks.window.raw() / 2 / sizeof(etude_op);
  std::uint32_t pages = 0;
  for (std::uint32_t i = 0; i < tasks.operations.size(); ++i) {
    const Operation& operation = tasks.operations[i];
    const bool own = operation.layer + 1 == program.layers.size();
    if (own && operation.as<PageTransfer>() != nullptr) {
      ++pages;
      CHECK(i >= pages * part);
    } else if (own && operation.as<Wait>() != nullptr) {
      CHECK(i + 40 < (pages + 1) * part);
    }
  }
  CHECK(pages + 2 == (tasks.operations.size() + part - 1) / part);
}

}  // namespace
}  // namespace etude::compiler
