// SPDX-License-Identifier: Apache-2.0
// Numbers of symbolic extents, and the samples of a step.
#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/onnx_import.h"

namespace etude {
namespace {

using namespace test;

/// y = x + m.
OnnxModel read(const std::vector<std::string>& x, const std::vector<std::string>& m,
               const OnnxExtents& extents = {}) {
  OnnxGraph graph;
  graph.nodes = {onnx_node("Add", "sum", {"x", "m"}, {"y"})};
  graph.inputs = {onnx_symbolic("x", x), onnx_symbolic("m", m)};
  graph.outputs = {onnx_symbolic("y", x)};
  const TempFolder folder;
  std::ofstream(folder.path() / "model.onnx", std::ios::binary) << graph.model();
  return read_onnx(folder.path() / "model.onnx", extents);
}

Shape shape_of(const OnnxModel& model, const std::string& name) {
  return model.network.graph.tensor(*model.network.graph.find(name)).shape;
}

NpzArchive arrays(std::uint64_t x, std::uint64_t m) {
  return {{"x", NpyArray::from_float32({x, 4}, std::vector<float>(x * 4))},
          {"m", NpyArray::from_float32({m, 4}, std::vector<float>(m * 4))}};
}

TEST_CASE("named extents get their numbers, the samples' symbol the batch") {
  const OnnxModel model = read({"n", "t", "7"}, {"t", "7"}, {.batch = 3, .dimensions = {{"t", 5}}});
  CHECK(shape_of(model, "x") == Shape{3, 5, 7});
  CHECK(shape_of(model, "m") == Shape{5, 7});  // a mask: its first extent counts no samples
  CHECK(model.samples == 3);
  CHECK(read({"n", "t"}, {"t"}, {.dimensions = {{"n", 2}, {"t", 5}}}).samples == std::nullopt);
  CHECK(read({"n", "t"}, {"n", "t"}, {.dimensions = {{"n", 2}, {"t", 5}}}).samples == 2);
}

TEST_CASE("the samples of a step are the graph's, the batch's, or the arrays'") {
  CHECK(read({"6", "4"}, {"6", "4"}).samples == 6);
  CHECK(read({"6", "4"}, {"4"}).samples == std::nullopt);
  CHECK(read({"n", "4"}, {"4"}).samples == 1);
  const NpzArchive given = arrays(5, 5);
  CHECK(read({"n", "4"}, {"n", "4"}, {.arrays = &given}).samples == 5);
  CHECK(read({"n", "4"}, {"n", "4"}, {.batch = 2, .arrays = &given}).samples == 2);
  CHECK(read({"6", "4"}, {"6", "4"}, {.arrays = &given}).samples == 6);
  // A mask's first extent is fixed: its array does not count.
  const NpzArchive mask = arrays(3, 1);
  CHECK(read({"n", "4"}, {"1", "4"}, {.arrays = &mask}).samples == 3);
  const NpzArchive uneven = arrays(3, 2);
  CHECK_THROWS_WITH(read({"n", "4"}, {"n", "4"}, {.arrays = &uneven}),
                    Catch::Contains("'m'") && Catch::Contains("2 samples") &&
                        Catch::Contains("'x' has 3") && Catch::Contains("/workload/batch"));
  const NpzArchive many = arrays(70000, 70000);
  CHECK_THROWS_WITH(read({"n", "4"}, {"n", "4"}, {.arrays = &many}),
                    Catch::Contains("70000") && Catch::Contains("/workload/batch"));
}

TEST_CASE("what has no number is refused with the key that would give it") {
  CHECK_THROWS_WITH(read({"n", "seq"}, {"seq"}), Catch::Contains("input 'x'") &&
                                                     Catch::Contains("extent 1") &&
                                                     Catch::Contains("/workload/dimensions/seq"));
  CHECK_THROWS_WITH(read({"n", ""}, {"1"}), Catch::Contains("no number and no name"));
  CHECK_THROWS_WITH(read({"n", "4"}, {"t", "4"}),
                    Catch::Contains("'n'") && Catch::Contains("/workload/dimensions/t"));
  CHECK_THROWS_WITH(read({"n", "4"}, {"4"}, {.dimensions = {{"seq", 4}}}),
                    Catch::Contains("/workload/dimensions/seq") && Catch::Contains("\"n\""));
  CHECK_THROWS_WITH(read({"2", "4"}, {"4"}, {.dimensions = {{"seq", 4}}}),
                    Catch::Contains("all have numbers"));
}

}  // namespace
}  // namespace etude
