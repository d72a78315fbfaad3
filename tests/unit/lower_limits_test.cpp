// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "compiler/lower/lower.h"
#include "kernels/include/etude_boot.h"
#include "models/base/error.h"
#include "tests/support/shared_data.h"
#include "workloads/reference/reference.h"

namespace etude::compiler {
namespace {

TrainingGraph small() { return make_training_graph(make_network("mlp", {12, 20, 12}, 3), 0.01); }

TEST_CASE("inputs and parameters are drawn from their seed") {
  const TrainingGraph training = small();
  StartValues first, second;
  draw_parameters(training.graph, 1, first);
  draw_parameters(training.graph, 1, second);
  draw_inputs(training.graph, 1, 1, first);
  draw_inputs(training.graph, 1, 1, second);
  CHECK(first == second);
  draw_inputs(training.graph, 1, 2, second);
  CHECK(first != second);
}

TEST_CASE("Deep-AE learns from the recorded speech: the loss falls from step to step") {
  const TrainingGraph training = make_training_graph(make_network("deep_ae", {}, 24), 0.01);
  const Graph& graph = training.graph;
  const std::string file = (test::source_dir() / "workloads/data/speech_logmel.npz").string();
  const NpzArchive data = read_npz(file);
  StartValues values;
  draw_parameters(graph, 1, values);
  double before = 1e9;
  for (unsigned step = 0; step < 6; ++step) {
    take_inputs(graph, data, file, step, values);
    const auto after = run_reference(graph, values);
    CHECK(after[training.loss][0] < before);
    before = after[training.loss][0];
    for (TensorId parameter : training.trained()) {
      const auto& updated = after[*graph.find(graph.tensor(parameter).name + ".updated")];
      values[parameter].assign(updated.begin(), updated.end());
    }
  }
}

TEST_CASE("tiles and memories that are too small name operator, tile and missing bytes") {
  const TrainingGraph training = small();
  PlatformConfig platform;
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  LowerOptions options;
  options.tiling.operators["fc0"] = {512, 512, 512, TileConfig::Unit::kCores};
  platform.cluster.tcdm.size = Bytes{ETUDE_L1_RESERVED(8u) + 1024};
  CHECK_THROWS_WITH(lower_step(training, platform, options), Catch::Contains("operator 'fc0'") &&
                                                                 Catch::Contains("3x12x20") &&
                                                                 Catch::Contains("bytes of L1"));
  platform.cluster.tcdm.size = Bytes{8 * 1024};
  CHECK_THROWS_WITH(lower_step(training, platform, {}),
                    Catch::Contains("/platform/cluster/tcdm/size"));
  platform.cluster.tcdm.size = Bytes{128 * 1024};
  platform.l2.size = Bytes{64 * 1024 + 6000};
  CHECK_THROWS_WITH(lower_step(training, platform, {}), Catch::Contains("/platform/l2/size"));
}

TEST_CASE("tiles for what has none, and more L1 than there is, are refused", "[lower]") {
  const TrainingGraph training = small();
  LowerOptions options;
  const PlatformConfig platform;
  options.tiling.operators["fc0.wieght.grad"].m = 4;
  CHECK_THROWS_WITH(
      lower_step(training, platform, options),
      Catch::Contains("/tiling/operators/fc0.wieght.grad") && Catch::Contains("'fc0.weight.grad'"));
  options.tiling.operators = {{"fc0.weight.grad", {4, 0, 0, TileConfig::Unit::kAuto}}};
  CHECK_NOTHROW(lower_step(training, platform, options));
  options.tiling.l1_budget = platform.cluster.tcdm.size;
  CHECK_THROWS_WITH(lower_step(training, platform, options),
                    Catch::Contains("/tiling/l1_budget") && Catch::Contains("the runtime leaves"));
}

TEST_CASE("an fp16 array leaves FP32 matrix multiplications to the cores, with a warning") {
  const TrainingGraph training = small();
  const Program program = lower_step(training, PlatformConfig{}, {});
  CHECK(count_of<MatrixJob>(program.tasks) == 0);
  REQUIRE(program.warnings.size() == 1);
  CHECK(program.warnings[0].find("cores") != std::string::npos);
}

TEST_CASE("two lowerings give the same bytes") {
  const TrainingGraph training = small();
  const PlatformConfig platform;
  CHECK(lower_step(training, platform, {}).tasks.bytes ==
        lower_step(training, platform, {}).tasks.bytes);
}

}  // namespace
}  // namespace etude::compiler
