// SPDX-License-Identifier: Apache-2.0
#include "run/execute/ties.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/small_graph.h"

namespace etude::run {
namespace {

/// y = ReLU(x) of four values, and what comes back of ones.
struct Kinks {
  test::SmallGraph made;
  TensorId x, y, dx;
  StartValues start;

  explicit Kinks(std::vector<float> values) {
    x = made.input("x", {4});
    const TensorId ones = made.input("dy", {4});
    y = made.node(OpType::kRelu, "y", {4}, {x});
    dx = made.node(OpType::kReluGrad, "dx", {4}, {ones, y});
    start.resize(made.graph.tensors().size());
    start[x] = std::move(values);
    start[ones] = {1, 1, 1, 1};
  }
};

TEST_CASE("ties are the inputs of ReLU within a millionth of the largest, the nearest first",
          "[ties]") {
  const Kinks k({1.0f, 5e-7f, -1e-7f, -2e-6f});
  const Cuts ties = find_ties(k.made.graph, run_reference(k.made.graph, k.start));
  REQUIRE(ties.size() == 2);
  CHECK((ties[0].result == k.y && ties[0].element == 2 && ties[0].value > 0));
  CHECK((ties[1].element == 1 && ties[1].value == 0));
  const TensorValues cut = run_reference(k.made.graph, k.start, ties);
  CHECK(cut[k.dx] == std::vector<double>{1, 0, 1, 0});
}

TEST_CASE("only ties that bring the reference nearer are cut the other way", "[ties]") {
  const Kinks k({1.0f, 5e-7f, -1e-7f, -0.5f});
  const auto towards = [&](std::vector<double> simulated) {
    TensorValues reference = run_reference(k.made.graph, k.start);
    const Excess excess = [&, simulated](const TensorValues& values) {
      double sum = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        sum += std::abs(values[k.dx][i] - simulated[i]);
      }
      return sum;
    };
    return resolve_ties(k.made.graph, k.start, excess, reference).size();
  };
  CHECK(towards({1, 1, 0, 0}) == 0);  // as float64 has it
  CHECK(towards({1, 1, 1, 0}) == 1);
  CHECK(towards({1, 0, 1, 0}) == 2);
  CHECK(towards({1, 1, 0, 1}) == 0);  // a wrong gradient far from the kink stays wrong
}

/// The gradient of a clip to [-1, 2], or of the larger of x and given numbers, for ones.
struct Jumps {
  test::SmallGraph made;
  TensorId x, dx;
  StartValues start;

  Jumps(std::vector<float> values, std::vector<float> others) {
    const std::uint64_t n = values.size();
    const TensorId given = made.input("given", {n}), ones = made.input("dy", {n});
    const TensorId other = made.input("other", {n});
    x = made.node(OpType::kScale, "x", {n}, {given}, Phase::kForward, {{"factor", 1.0}});
    dx = others.empty()
             ? made.node(OpType::kPiecewiseGrad, "dx", {n}, {ones, x}, Phase::kBackward,
                         {{"low", -1.0}, {"high", 2.0}, {"below", 0.0}, {"above", 0.0}})
             : made.node(OpType::kMaxGrad, "dx", {n}, {ones, other, x}, Phase::kBackward);
    start.resize(made.graph.tensors().size());
    start[given] = std::move(values);
    start[ones].assign(n, 1);
    start[other] = others.empty() ? std::vector<float>(n, 0) : std::move(others);
  }
};

TEST_CASE("ties are also where a gradient jumps: the other side, and the place itself", "[ties]") {
  const Jumps k({2.0000005f, 1.0f, -1.0f, -3.0f}, {});
  const Cuts ties = find_ties(k.made.graph, run_reference(k.made.graph, k.start));
  REQUIRE(ties.size() == 4);
  CHECK((ties[0].result == k.x && ties[0].element == 0 && ties[0].value < 2));
  CHECK((ties[1].element == 0 && ties[1].value == 2));
  CHECK((ties[2].element == 2 && ties[2].value > -1));  // equal ones come last
  CHECK((ties[3].element == 2 && ties[3].value < -1));
  const auto dx = [&](const Cuts& cuts) {
    return run_reference(k.made.graph, k.start, cuts)[k.dx];
  };
  CHECK(dx({}) == std::vector<double>{0, 1, 1, 0});
  CHECK(dx({ties[0], ties[3]}) == std::vector<double>{1, 1, 0, 0});
}

TEST_CASE("the larger of two that are nearly equal may be either one, or both are", "[ties]") {
  const Jumps k({1.0f, 0.5f, 3.0f}, {1.0000001f, 0.25f, 4.0f});
  const TensorValues exact = run_reference(k.made.graph, k.start);
  CHECK(exact[k.dx] == std::vector<double>{1, 0, 1});
  const Cuts ties = find_ties(k.made.graph, exact);
  REQUIRE(ties.size() == 2);
  CHECK(run_reference(k.made.graph, k.start, {ties[0]})[k.dx] == std::vector<double>{0, 0, 1});
  CHECK(run_reference(k.made.graph, k.start, {ties[1]})[k.dx] == std::vector<double>{0.5, 0, 1});
}

}  // namespace
}  // namespace etude::run
