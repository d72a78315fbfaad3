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

}  // namespace
}  // namespace etude::run
