// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "explore/lower/lower.h"
#include "explore/lower/setup.h"
#include "models/base/error.h"
#include "tests/support/shared_data.h"
#include "workloads/reference/reference.h"

namespace etude {
namespace {

WorkloadConfig small() {
  WorkloadConfig workload;
  workload.network = "mlp";
  workload.sizes = {12, 20, 12};
  workload.batch = 3;
  return workload;
}

TEST_CASE("a workload without files draws parameters and inputs from its seed") {
  TrainConfig train;
  const TrainingSetup a(small(), train), b(small(), train);
  StartValues first = a.parameters(), second = b.parameters();
  a.inputs(1, first);
  b.inputs(1, second);
  CHECK(first == second);
  b.inputs(2, second);
  CHECK(first != second);
}

TEST_CASE("what is not built yet says so") {
  WorkloadConfig workload = small();
  TrainConfig train;
  train.method = TrainConfig::Method::kLora;
  CHECK_THROWS_WITH(TrainingSetup(workload, train),
                    Catch::Contains("/train/method") && Catch::Contains("not available"));
  train = {};
  train.momentum = 0.5;
  CHECK_THROWS_WITH(TrainingSetup(workload, train), Catch::Contains("not available"));
  train = {};
  train.accumulate = 2;
  CHECK_THROWS_WITH(TrainingSetup(workload, train), Catch::Contains("not available"));
  workload.onnx = "x.onnx";
  CHECK_THROWS_WITH(TrainingSetup(workload, TrainConfig{}), Catch::Contains("/workload/onnx"));
}

TEST_CASE("Deep-AE learns from the recorded speech: the loss falls from step to step") {
  WorkloadConfig workload;
  workload.network = "deep_ae";
  workload.batch = 24;
  workload.inputs = (test::source_dir() / "workloads/data/speech_logmel.npz").string();
  TrainConfig train;
  train.lr = 0.01;
  const TrainingSetup setup(workload, train);
  const Graph& graph = setup.training().graph;
  StartValues values = setup.parameters();
  double before = 1e9;
  for (unsigned step = 0; step < 6; ++step) {
    setup.inputs(step, values);
    const auto after = run_reference(graph, values);
    CHECK(after[setup.training().loss][0] < before);
    before = after[setup.training().loss][0];
    for (TensorId parameter : setup.training().trained()) {
      const auto& updated = after[*graph.find(graph.tensor(parameter).name + ".updated")];
      values[parameter].assign(updated.begin(), updated.end());
    }
  }
}

TEST_CASE("files that are not there are named") {
  WorkloadConfig workload = small();
  workload.inputs = "nowhere.npz";
  CHECK_THROWS_WITH(TrainingSetup(workload, TrainConfig{}), Catch::Contains("nowhere.npz"));
}

TEST_CASE("tiles and memories that are too small name operator, tile and missing bytes") {
  const TrainingSetup setup(small(), TrainConfig{});
  PlatformConfig platform;
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  LowerOptions options;
  options.tiling.operators["fc0"] = {512, 512, 512, TileConfig::Unit::kCores};
  platform.cluster.tcdm.size = Bytes{14 * 1024};
  CHECK_THROWS_WITH(lower_step(setup.training(), platform, options),
                    Catch::Contains("operator 'fc0'") && Catch::Contains("3x12x20") &&
                        Catch::Contains("bytes of L1"));
  platform.cluster.tcdm.size = Bytes{8 * 1024};
  CHECK_THROWS_WITH(lower_step(setup.training(), platform, {}),
                    Catch::Contains("/platform/cluster/tcdm/size"));
  platform.cluster.tcdm.size = Bytes{128 * 1024};
  platform.l2.size = Bytes{64 * 1024 + 6000};
  CHECK_THROWS_WITH(lower_step(setup.training(), platform, {}),
                    Catch::Contains("/platform/l2/size"));
}

TEST_CASE("an fp16 array leaves FP32 matrix multiplications to the cores, with a warning") {
  const TrainingSetup setup(small(), TrainConfig{});
  const Program program = lower_step(setup.training(), PlatformConfig{}, {});
  CHECK(program.gemm_jobs.empty());
  REQUIRE(program.warnings.size() == 1);
  CHECK(program.warnings[0].find("cores") != std::string::npos);
}

TEST_CASE("two lowerings give the same bytes") {
  const TrainingSetup setup(small(), TrainConfig{});
  const PlatformConfig platform;
  CHECK(lower_step(setup.training(), platform, {}).task_list ==
        lower_step(setup.training(), platform, {}).task_list);
}

}  // namespace
}  // namespace etude
