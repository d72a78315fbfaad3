// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/step.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

using Precision = TrainConfig::Precision;
using Format = RedmuleConfig::Format;

constexpr std::size_t kNever = ~std::size_t{0};

PlatformConfig with_array(Format format, bool enabled = true) {
  PlatformConfig platform;
  platform.cluster.cores = 8;
  platform.cluster.redmule.enabled = enabled;
  platform.cluster.redmule.format = format;
  return platform;
}

TrainingGraph training_of(const test::SmallGraph& made) {
  TrainingGraph training;
  training.graph = made.graph;
  return training;
}

/// A step of a small graph, with what it refers to.
struct Lowered {
  explicit Lowered(const test::SmallGraph& made, const PlatformConfig& on = {},
                   Precision precision = Precision::kFp32)
      : platform(on), step(training_of(made), platform, tiling, precision) {}
  PlatformConfig platform;
  TilingConfig tiling;
  Step step;
};

/// y = x w, its gradients and the update of w: x [4,5], w [5,3].
struct Linear : test::SmallGraph {
  TensorId x = input("x", {4, 5}), w = parameter("w", {5, 3});
  TensorId y = node(OpType::kGemm, "y", {4, 3}, {x, w});
  TensorId dy = node(OpType::kTanh, "dy", {4, 3}, {y}, Phase::kBackward);
  TensorId dx =
      node(OpType::kGemm, "dx", {4, 5}, {dy, w}, Phase::kBackward, {{"transB", std::int64_t{1}}});
  TensorId dw =
      node(OpType::kGemm, "dw", {5, 3}, {x, dy}, Phase::kBackward, {{"transA", std::int64_t{1}}});
  TensorId updated = sgd("w.updated", w, dw);
};

TEST_CASE("rows and columns of a tensor are those of its matrix of last extents", "[step]") {
  test::SmallGraph made;
  const auto cube = made.input("cube", {2, 3, 5}), row = made.input("row", {7});
  const auto scalar = made.input("scalar", {}), matrix = made.input("matrix", {6, 4});
  made.node(OpType::kRelu, "r", {6, 4}, {matrix});
  const Lowered lowered(made);
  const Step& step = lowered.step;
  CHECK(step.rows(cube) == 6);  // 2 * 3
  CHECK(step.cols(cube) == 5);
  CHECK(step.rows(row) == 1);
  CHECK(step.cols(row) == 7);
  CHECK(step.rows(scalar) == 1);
  CHECK(step.cols(scalar) == 1);
  CHECK(step.rows(matrix) == 6);
  CHECK(step.cols(matrix) == 4);
  CHECK(step.tensor(cube).name == "cube");
  CHECK(step.graph().nodes().size() == 1);
}

TEST_CASE("a view is the whole storage if it is all of its rows, dense and from the start",
          "[step]") {
  test::SmallGraph made;
  const auto x = made.input("x", {6, 8});
  made.node(OpType::kRelu, "r", {6, 8}, {x});
  const Lowered lowered(made);
  const Step& step = lowered.step;
  CHECK(step.whole({x, 0, 6, 8, 8, false}));
  CHECK(step.whole({x, 0, 3, 16, 16, false}));        // the same 48 elements in longer rows
  CHECK_FALSE(step.whole({x, 0, 5, 8, 8, false}));    // a row is missing
  CHECK_FALSE(step.whole({x, 8, 6, 8, 8, false}));    // not from the start
  CHECK_FALSE(step.whole({x, 0, 3, 16, 32, false}));  // with gaps
  CHECK_FALSE(step.whole({x, 0, 6, 4, 8, false}));    // half of each row
}

TEST_CASE("the graph of a step has its sums in twos, and the caller's tensors by their numbers",
          "[step]") {
  test::SmallGraph made;
  const auto a = made.input("a", {4}), b = made.input("b", {4}), c = made.input("c", {4});
  const auto sum = made.node(OpType::kAdd, "sum", {4}, {a, b, c});
  const Lowered lowered(made);
  const Step& step = lowered.step;
  CHECK(step.graph().nodes().size() == 2);
  CHECK(step.operators.size() == 2);
  CHECK(step.tensor(sum).name == "sum");
  CHECK(step.tensor(sum + 1).name == "sum.1");  // behind the others
}

TEST_CASE("the next use of a tensor counts operators, through every look at its storage",
          "[step]") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 6}), other = made.input("other", {2, 6});
  made.node(OpType::kTanh, "t0", {2, 6}, {x});
  made.node(OpType::kTanh, "t1", {2, 6}, {other});
  const auto view = made.node(OpType::kReshape, "view", {3, 4}, {x});
  made.node(OpType::kTanh, "t2", {3, 4}, {view});
  made.node(OpType::kTanh, "t3", {2, 6}, {other});
  made.node(OpType::kMul, "t4", {2, 6}, {x, x});
  const Lowered lowered(made);
  const Step& step = lowered.step;
  REQUIRE(step.operators.size() == 5);  // the reshape needs none
  REQUIRE(step.storage.base(view) == x);
  for (const TensorId same : {x, view}) {
    CHECK(step.next_use(same, 0) == 2);  // from t0 to t2
    CHECK(step.next_use(same, 1) == 1);
    CHECK(step.next_use(same, 2) == 2);  // from t2 to t4: the use at hand does not count
    CHECK(step.next_use(same, 3) == 1);
    CHECK(step.next_use(same, 4) == kNever);
  }
  CHECK(step.next_use(other, 0) == 1);
  CHECK(step.next_use(other, 1) == 2);
  CHECK(step.next_use(other, 3) == kNever);
  CHECK(step.next_use(step.graph().node(0).outputs[0], 0) == kNever);  // nobody reads t0
}

TEST_CASE("what an operator's later nodes read is read by the operator", "[step]") {
  Linear made;
  const Lowered lowered(made, with_array(Format::kFp32));
  const Step& step = lowered.step;
  // y; dy; both gradients with the update.
  REQUIRE(step.operators.size() == 3);
  CHECK(step.operators[2].weight_grad == made.maker(made.dw));
  CHECK(step.next_use(made.x, 0) == 2);        // dW is no node of its own here
  CHECK(step.next_use(made.updated, 0) == 2);  // the old weight, in its storage
  CHECK(step.next_use(made.dw, 0) == 2);       // the update reads it, in the same operator
}

TEST_CASE("both gradients of a layer are one operator where an FP32 array runs them", "[step]") {
  Linear made;
  const auto format = GENERATE(Format::kFp32, Format::kFp16);
  const bool enabled = GENERATE(false, true);
  const Lowered lowered(made, with_array(format, enabled));
  const bool array = enabled && format == Format::kFp32;
  CHECK(lowered.step.operators.size() == (array ? 3u : 4u));
  CHECK(lowered.step.redmule == array);
  CHECK_FALSE(lowered.step.half);
  CHECK(lowered.step.warnings().size() == (enabled && format == Format::kFp16 ? 1u : 0u));
}

TEST_CASE("mixed precision runs products on an fp16 array, one gradient after the other",
          "[step]") {
  Linear made;
  const Lowered lowered(made, with_array(Format::kFp16), Precision::kMixedFp16);
  CHECK(lowered.step.half);
  CHECK(lowered.step.redmule);
  CHECK(lowered.step.operators.size() == 4);
  CHECK(lowered.step.warnings().empty());
}

TEST_CASE("mixed precision without an fp16 array is refused", "[step]") {
  Linear made;
  const auto platform = GENERATE(with_array(Format::kFp32), with_array(Format::kFp16, false),
                                 with_array(Format::kFp32, false));
  CHECK_THROWS_WITH(Lowered(made, platform, Precision::kMixedFp16),
                    Catch::Contains("/train/precision") && Catch::Contains("fp16"));
}

TEST_CASE("an fp16 array that FP32 products leave alone is told to the user", "[step]") {
  Linear made;
  const Lowered lowered(made, with_array(Format::kFp16));
  REQUIRE(lowered.step.warnings().size() == 1);
  CHECK_THAT(lowered.step.warnings()[0],
             Catch::Contains("fp16") && Catch::Contains("run on the cores"));
}

TEST_CASE("a step prices operations for its own platform", "[step]") {
  test::SmallGraph made;
  const auto x = made.input("x", {4});
  made.node(OpType::kRelu, "r", {4}, {x});
  PlatformConfig platform;
  platform.cluster.cores = GENERATE(1u, 4u, 8u);
  const Lowered lowered(made, platform);
  const etude_extents work{1, 800, 1};
  const auto cycles = [&](const CostModel& cost) { return cost.kernel(ETUDE_KERNEL_RELU, work); };
  CHECK(cycles(lowered.step.cost) == cycles(CostModel(platform)));
  PlatformConfig other = platform;
  other.cluster.cores = 2;
  CHECK(cycles(lowered.step.cost) != cycles(CostModel(other)));
}

TEST_CASE("an update comes behind every reader of the old weight", "[step]") {
  Linear made;
  const auto late = made.node(OpType::kTanh, "late", {5, 3}, {made.w});
  const auto platform = GENERATE(with_array(Format::kFp32), with_array(Format::kFp32, false));
  const Lowered lowered(made, platform);
  const auto& operators = lowered.step.operators;
  const auto home = [&](TensorId tensor) {
    return std::ranges::find_if(operators, [&](const Operator& op) {
      const auto nodes = op.nodes();
      return std::ranges::find(nodes, made.maker(tensor)) != nodes.end();
    });
  };
  CHECK(home(late) < home(made.updated));
  CHECK(home(made.dx) <= home(made.updated));
  CHECK(home(made.y) < home(made.dy));
}

}  // namespace
}  // namespace etude::compiler
