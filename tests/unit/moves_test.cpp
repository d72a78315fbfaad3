// SPDX-License-Identifier: Apache-2.0
// Slices, pads, concatenations and rows of tables: values, gradients against finite differences at
// odd sizes, and steps on the task interpreter in L1 that holds everything and hardly anything.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/operator_step.h"
#include "workloads/networks/index_bounds.h"
#include "workloads/ops/op_rules.h"

namespace etude {
namespace {

using test::OperatorStep;
using Integers = std::vector<std::int64_t>;

struct PartCase {
  Shape whole;
  Integers starts, steps, shape;

  Attributes attributes() const { return {{"starts", starts}, {"steps", steps}, {"shape", shape}}; }
};

const std::vector<PartCase> kParts{
    {{7}, {2}, {1}, {3}},
    {{3, 5, 7}, {0, 0, 0}, {1, 1, 1}, {3, 1, 7}},     // a class token
    {{3, 5, 7}, {1, 0, 2}, {1, 2, 2}, {2, 3, 3}},     // steps
    {{3, 5, 7}, {2, 4, 6}, {-1, -2, -3}, {3, 3, 2}},  // backwards
    {{2, 3, 5, 7}, {0, 1, 1, 0}, {1, 1, 1, 1}, {2, 2, 3, 7}},
    {{2, 9, 40, 33}, {0, 3, 1, 2}, {1, 1, 2, 1}, {2, 5, 20, 30}},
};

TEST_CASE("slices and pads have the gradients of their definitions") {
  const PartCase c = kParts[static_cast<std::size_t>(GENERATE(range(0, 5)))];
  OperatorStep step;
  const Shape part(c.shape.begin(), c.shape.end());
  SECTION("Slice") {
    step.loss(step.apply(OpType::kSlice, {step.tensor("x", c.whole)}, c.attributes()));
  }
  SECTION("Pad") {
    Attributes attributes = c.attributes();
    attributes["shape"] = Integers(c.whole.begin(), c.whole.end());
    attributes["value"] = 0.375;
    step.loss(step.apply(OpType::kPad, {step.tensor("x", part)}, attributes));
  }
  step.differentiate();
}

TEST_CASE("a slice takes what its starts and steps say, and a pad puts it back") {
  Graph graph;
  Tensor x;
  x.name = "x";
  x.shape = {3, 4};
  x.kind = TensorKind::kInput;
  const TensorId id = graph.add_tensor(x);
  const Attributes part{
      {"starts", Integers{2, 1}}, {"steps", Integers{-2, 1}}, {"shape", Integers{2, 2}}};
  const NodeId slice = graph.add({"slice", OpType::kSlice, Phase::kForward, {id}, {}, part},
                                 {{"y", TensorKind::kActivation}});
  Attributes back = part;
  back["shape"] = Integers{3, 4};
  back["value"] = 0.5;
  const TensorId y = graph.node(slice).outputs[0];
  const NodeId pad = graph.add({"pad", OpType::kPad, Phase::kForward, {y}, {}, back},
                               {{"z", TensorKind::kActivation}});
  TensorValues values(graph.tensors().size());
  values[id] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  rules_of(OpType::kSlice).evaluate(graph, graph.node(slice), values);
  CHECK(values[y] == std::vector<double>{9, 10, 1, 2});
  rules_of(OpType::kPad).evaluate(graph, graph.node(pad), values);
  CHECK(values[graph.node(pad).outputs[0]] ==
        std::vector<double>{.5, 1, 2, .5, .5, .5, .5, .5, .5, 9, 10, .5});
}

TEST_CASE(
    "parts that do not lie inside, and tensors that do not fit behind each other, are refused") {
  OperatorStep step;
  const TensorId x = step.tensor("x", {3, 5}), y = step.tensor("y", {4, 5});
  const auto rejected = [&](OpType type, std::vector<TensorId> inputs, Attributes attributes) {
    Graph graph = step.graph();
    CHECK_THROWS_WITH(graph.add(Node{"bad", type, Phase::kForward, inputs, {}, attributes},
                                {{"q", TensorKind::kActivation}}),
                      Catch::Contains("'bad'"));
  };
  rejected(OpType::kSlice, {x}, PartCase{{}, {1, 0}, {1, 1}, {3, 5}}.attributes());
  rejected(OpType::kSlice, {x}, PartCase{{}, {0, 1}, {1, -1}, {3, 3}}.attributes());
  rejected(OpType::kSlice, {x}, PartCase{{}, {0}, {1}, {3}}.attributes());
  rejected(OpType::kPad, {x}, PartCase{{}, {0, 2}, {1, 1}, {3, 6}}.attributes());
  rejected(OpType::kConcat, {x, y}, {{"axis", std::int64_t{1}}});
  rejected(OpType::kConcat, {x, x}, {{"axis", std::int64_t{2}}});
  rejected(OpType::kGather, {x, y}, {});
}

/// Parts of x along an axis, each through a product of its own, one behind the other again.
TensorId split_and_join(OperatorStep& step, TensorId x, std::size_t axis,
                        const std::vector<std::pair<std::int64_t, std::int64_t>>& parts) {
  const Shape shape = step.shape(x);
  std::vector<TensorId> pieces;
  for (const auto& [start, extent] : parts) {
    PartCase c{shape, Integers(shape.size(), 0), Integers(shape.size(), 1),
               Integers(shape.begin(), shape.end())};
    c.starts[axis] = start;
    c.shape[axis] = extent;
    const TensorId piece = step.apply(OpType::kSlice, {x}, c.attributes());
    pieces.push_back(step.apply(OpType::kScale, {piece}, {{"factor", 0.5 + 0.25 * pieces.size()}}));
  }
  return step.apply(OpType::kConcat, pieces, {{"axis", static_cast<std::int64_t>(axis)}});
}

std::size_t count(const Graph& graph, OpType type, Phase phase) {
  return static_cast<std::size_t>(std::ranges::count_if(
      graph.nodes(), [&](const Node& node) { return node.op == type && node.phase == phase; }));
}

TEST_CASE("the gradient of a tensor that was split is its parts' behind each other") {
  const auto axis = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
  OperatorStep step;
  const TensorId x = step.tensor("x", {7, 7, 7});
  SECTION("all of it") {
    step.loss(split_and_join(step, x, axis, {{3, 4}, {0, 3}}));
    const auto training = step.differentiate();
    CHECK(count(training.graph, OpType::kConcat, Phase::kBackward) == 1);
    CHECK(count(training.graph, OpType::kPad, Phase::kBackward) == 0);
    CHECK(count(training.graph, OpType::kAdd, Phase::kBackward) == 0);
    CHECK(training.graph.find("x.grad"));
  }
  SECTION("with a gap between and none at an end") {
    step.loss(split_and_join(step, x, axis, {{0, 2}, {2, 1}, {4, 2}}));
    step.differentiate();
  }
  SECTION("parts that overlap are added up") {
    step.loss(split_and_join(step, x, axis, {{0, 4}, {2, 5}, {2, 5}}));
    step.differentiate();
  }
  SECTION("and what reads all of it too") {
    const TensorId parts = split_and_join(step, x, axis, {{0, 5}, {5, 2}});
    step.loss(step.apply(OpType::kMul, {x, parts}));
    step.differentiate();
  }
}

TEST_CASE("parts cut along several axes are added up") {
  OperatorStep step;
  const TensorId x = step.tensor("x", {5, 7});
  const TensorId a =
      step.apply(OpType::kSlice, {x}, PartCase{{}, {0, 1}, {1, 1}, {3, 4}}.attributes());
  const TensorId b =
      step.apply(OpType::kSlice, {x}, PartCase{{}, {2, 3}, {1, 1}, {3, 4}}.attributes());
  step.loss(step.apply(OpType::kMul, {a, b}));
  step.differentiate();
}

const auto kL1 = {14u, 24u, 256u};

TEST_CASE("slices and pads run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const PartCase c = kParts[static_cast<std::size_t>(GENERATE(range(0, 6)))];
  INFO(to_string(c.whole) << ", " << l1 << " KiB");
  OperatorStep step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", c.whole)}, {{"factor", 1.5}});
  const TensorId part = step.apply(OpType::kSlice, {x}, c.attributes());
  Attributes back = c.attributes();
  back["shape"] = Integers(c.whole.begin(), c.whole.end());
  back["value"] = 0.25;
  const TensorId padded = step.apply(OpType::kPad, {part}, back);
  step.loss(step.apply(OpType::kMul, {x, padded}));
  step.lower(l1);
}

TEST_CASE("a transpose to a last extent of 1 that stays in L1 is stored as it stands") {
  OperatorStep step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", {3, 1, 5})}, {{"factor", 1.5}});
  const TensorId turned = step.apply(OpType::kTranspose, {x}, {{"perm", Integers{2, 0, 1}}});
  step.loss(step.apply(OpType::kGather, {turned, step.integers("indices", {4})}));
  step.lower(256);
}

TEST_CASE("concatenations and their gradients run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto [shape, axis] = GENERATE(table<Shape, std::size_t>(
      {{{5, 9}, 0}, {{5, 9}, 1}, {{2, 7, 3, 4}, 1}, {{3, 70, 65}, 2}, {{3, 70, 65}, 1}}));
  INFO(to_string(shape) << " along " << axis << ", " << l1 << " KiB");
  OperatorStep step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 1.5}});
  const auto extent = static_cast<std::int64_t>(shape[axis]);
  const TensorId joined = split_and_join(step, x, axis, {{1, extent - 1}, {0, 1}});
  step.loss(step.apply(OpType::kMul, {joined, x}));
  step.lower(l1);
}

TEST_CASE("an embedding's rows and the sums that come back to them") {
  const auto [rows, cols, picked] = GENERATE(table<Shape, Shape, Shape>({{{7}, {5}, {3}},
                                                                         {{3}, {4, 3}, {2, 9}},
                                                                         {{1}, {}, {5}},
                                                                         {{90}, {33}, {4, 21}},
                                                                         {{40}, {700}, {11}}}));
  Shape table = rows;
  table.insert(table.end(), cols.begin(), cols.end());
  OperatorStep step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("table", table)}, {{"factor", 1.5}});
  const TensorId y = step.apply(OpType::kGather, {x, step.integers("indices", picked)});
  step.loss(step.apply(OpType::kMul, {y, y}));
  INFO(to_string(table) << " by " << to_string(picked));
  if (step.graph().tensor(x).elements() < 100) {
    step.differentiate();
  }
  for (const unsigned l1 : kL1) {
    step.lower(l1);
  }
}

TEST_CASE("drawn indices reach every row of their own table, whatever moves them there") {
  OperatorStep step;
  const TensorId ids = step.integers("ids", {200, 2});
  const auto column = [&](std::int64_t i) {
    const TensorId one =
        step.apply(OpType::kSlice, {ids}, PartCase{{}, {0, i}, {1, 1}, {200, 1}}.attributes());
    return step.apply(OpType::kReshape, {one}, {{"shape", Integers{200}}});
  };
  const TensorId a = step.apply(OpType::kGather, {step.tensor("few", {3, 5}), column(0)});
  const TensorId b = step.apply(OpType::kGather, {step.tensor("more", {11, 5}), column(1)});
  step.apply(OpType::kAdd, {a, b});
  const auto bounds = index_bounds(step.graph(), ids);
  CHECK(bounds[0] == 3);
  CHECK(bounds[1] == 11);
  CHECK(bounds[398] == 3);
  StartValues values;
  draw_inputs(step.graph(), 7, 0, values);
  float most[2] = {0, 0};
  for (std::size_t i = 0; i < values[ids].size(); ++i) {
    most[i % 2] = std::max(most[i % 2], values[ids][i]);
  }
  CHECK(most[0] == 2);
  CHECK(most[1] == 10);
}

TEST_CASE("log softmax and normalisation by the root of the mean square") {
  const auto type = GENERATE(OpType::kLogSoftmax, OpType::kRmsNorm);
  const auto shape = GENERATE(Shape{1, 3}, Shape{2, 5, 7}, Shape{9, 301});
  INFO(name_of(type) << ' ' << to_string(shape));
  OperatorStep step;
  std::vector<TensorId> inputs{
      step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 4.0}})};
  if (type == OpType::kRmsNorm) {
    inputs.push_back(step.tensor("gamma", {shape.back()}));
  }
  const TensorId y = step.apply(type, inputs, {{"epsilon", 1e-3}});
  step.loss(step.apply(OpType::kMul, {y, y}));
  if (shape.back() < 10) {
    step.differentiate();
  }
  for (const unsigned l1 : {24u, 256u}) {
    step.lower(l1);
  }
}

}  // namespace
}  // namespace etude
