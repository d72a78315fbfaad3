// SPDX-License-Identifier: Apache-2.0
#include "run/execute/numeric_check.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "run/execute/update_check.h"
#include "workloads/networks/networks.h"
#include "workloads/reference/reference.h"

using namespace etude;
using namespace etude::run;
using Catch::Matchers::Contains;

namespace {
constexpr double kRate = 0.05;

/// A small network whose "simulation" is the reference, rounded to float.
struct Bench {
  TrainingGraph training = make_training_graph(make_mlp("net", {6, 5, 6}, 3, true), kRate);
  StartValues start;
  TensorValues exact;

  Bench() : start(training.graph.tensors().size()) {
    draw_parameters(training.graph, 7, start);
    draw_inputs(training.graph, 7, 0, start);
    exact = run_reference(training.graph, start);
  }
  TensorId id(const std::string& name) const { return *training.graph.find(name); }
  std::vector<float> gradient(TensorId tensor) const {
    return {exact[tensor].begin(), exact[tensor].end()};
  }
  static std::vector<std::uint8_t> bytes(const std::vector<float>& values) {
    std::vector<std::uint8_t> raw(4 * values.size());
    std::memcpy(raw.data(), values.data(), raw.size());
    return raw;
  }
  /// One step; `spoil` may change the gradients or the parameters before they are shown.
  CheckFacts run(const std::function<void(TensorId, std::vector<float>&)>& spoil_gradient = {},
                 const std::function<void(TensorId, std::vector<float>&)>& spoil_parameter = {},
                 double loss_error = 0) const {
    NumericCheck check(training);
    check.begin_step(0, start);
    StartValues after = start;
    for (const TensorId parameter : training.trained()) {
      const TensorId id = training.gradients.at(parameter);
      std::vector<float> values = gradient(id);
      if (spoil_gradient) {
        spoil_gradient(id, values);
      }
      check.gradient(id, 0, 4 * values.size(), 1, bytes(values));
      for (std::size_t i = 0; i < values.size(); ++i) {
        after[parameter][i] = start[parameter][i] - static_cast<float>(kRate) * values[i];
      }
      if (spoil_parameter) {
        spoil_parameter(parameter, after[parameter]);
      }
    }
    check.end_step(exact[training.loss][0] * (1 + loss_error), after);
    return check.facts();
  }
};
}  // namespace

TEST_CASE("the right numbers pass, with the loss and every gradient compared", "[check]") {
  const CheckFacts facts = Bench().run();
  CHECK(facts.passed);
  CHECK(facts.done);
  CHECK(facts.tensors == 1 + 4);  // loss, two weights, two biases
  CHECK(facts.max_rel_error < 6e-8);
  CHECK(facts.max_abs_error > 0);
}

TEST_CASE("one wrong gradient element fails and is named", "[check]") {
  const Bench bench;
  const TensorId wrong = bench.training.gradients.at(bench.id("fc1.weight"));
  const CheckFacts facts = bench.run([&](TensorId id, std::vector<float>& values) {
    if (id == wrong) {
      values[4] += 0.01f;
    }
  });
  CHECK_FALSE(facts.passed);
  REQUIRE(facts.failures.size() == 1);
  CHECK_THAT(facts.failures[0], Contains("step 1: fc1.weight.grad[4] is"));
}

TEST_CASE("errors up to the tolerance pass, errors above it do not", "[check]") {
  const Bench bench;
  const TensorId id = bench.training.gradients.at(bench.id("fc0.weight"));
  double scale = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < bench.exact[id].size(); ++i) {
    if (std::abs(bench.exact[id][i]) > scale) {
      scale = std::abs(bench.exact[id][i]);
      at = i;
    }
  }
  const auto with_error = [&](double relative) {
    return bench.run([&](TensorId tensor, std::vector<float>& values) {
      if (tensor == id) {
        values[at] = static_cast<float>(bench.exact[id][at] * (1 + relative));
      }
    });
  };
  CHECK(with_error(0.9e-5).passed);
  CHECK_FALSE(
      with_error(1.3e-5).passed);  // 1e-5 * scale + 1e-7 * largest gradient < 1.3e-5 * scale
}

TEST_CASE("a missing update fails", "[check]") {
  const Bench bench;
  const TensorId bias = bench.id("fc0.bias");
  const CheckFacts facts = bench.run({}, [&](TensorId id, std::vector<float>& values) {
    if (id == bias) {
      values = bench.start[id];
    }
  });
  CHECK_FALSE(facts.passed);
  CHECK_THAT(facts.failures.at(0), Contains("updated fc0.bias") && Contains("old - lr * gradient"));
}

TEST_CASE("an update may be off by one unit in the last place, not by two", "[check]") {
  const Bench bench;
  const TensorId weight = bench.id("fc0.weight");
  const auto off_by = [&](int ulps) {
    return bench.run({}, [&](TensorId id, std::vector<float>& values) {
      for (int i = 0; id == weight && i < ulps; ++i) {
        values[3] = std::nextafter(values[3], values[3] > 0 ? 10.0f : -10.0f);
      }
    });
  };
  CHECK(off_by(1).passed);
  CHECK_FALSE(off_by(2).passed);
}

TEST_CASE("a gradient that is not a number, or was never shown, fails", "[check]") {
  const Bench bench;
  CHECK_FALSE(bench.run([](TensorId, std::vector<float>& values) { values[0] = NAN; }).passed);
  NumericCheck check(bench.training);
  check.begin_step(0, bench.start);
  check.end_step(bench.exact[bench.training.loss][0], bench.start);
  CHECK_FALSE(check.facts().passed);
  CHECK(check.facts().failures.size() >= 4);
}

TEST_CASE("a wrong loss fails", "[check]") {
  const CheckFacts facts = Bench().run({}, {}, 1e-3);
  CHECK_FALSE(facts.passed);
  CHECK_THAT(facts.failures.at(0), Contains("loss[0]"));
}

TEST_CASE("pieces of a gradient are put together", "[check]") {
  const Bench bench;
  NumericCheck check(bench.training);
  check.begin_step(0, bench.start);
  const TensorId id = bench.training.gradients.at(bench.id("fc0.weight"));  // [6,5]
  const std::vector<float> dense = bench.gradient(id);
  std::vector<float> left, right;
  for (std::size_t row = 0; row < 6; ++row) {
    left.insert(left.end(), dense.begin() + 5 * row, dense.begin() + 5 * row + 2);
    right.insert(right.end(), dense.begin() + 5 * row + 2, dense.begin() + 5 * row + 5);
  }
  check.gradient(id, 0, 20, 6, Bench::bytes(left));
  check.gradient(id, 8, 20, 6, Bench::bytes(right));
  CHECK(check.gradients().at(id) == dense);
}

TEST_CASE("the unit in the last place of a float", "[check]") {
  CHECK(last_place(1.0) == std::ldexp(1.0, -23));
  CHECK(last_place(3.0) == std::ldexp(1.0, -22));
  CHECK(last_place(0.0) == std::ldexp(1.0, -149));
}

TEST_CASE("a gradient that is zero by symmetry has no relative error", "[check]") {
  // Inputs that are zero make every gradient of the first weights zero.
  Bench bench;
  const TensorId input = bench.id("input");
  std::ranges::fill(bench.start[input], 0.0f);
  std::ranges::fill(bench.start[bench.id("fc0.bias")], 0.3f);
  bench.exact = run_reference(bench.training.graph, bench.start);
  const TensorId weights = bench.training.gradients.at(bench.id("fc0.weight"));
  double largest = 0;
  for (const TensorId parameter : bench.training.trained()) {
    for (const double g : bench.exact[bench.training.gradients.at(parameter)]) {
      largest = std::max(largest, std::abs(g));
    }
  }
  REQUIRE(std::ranges::all_of(bench.exact[weights], [](double g) { return g == 0; }));
  REQUIRE(largest > 0);
  const CheckFacts facts = bench.run([&](TensorId id, std::vector<float>& values) {
    if (id == weights) {
      values[0] = static_cast<float>(4e-8 * largest);
    }
  });
  CHECK(facts.passed);
  // 1e-7 of the largest gradient is allowed; relative to 1 % of it the error is 4e-6.
  CHECK(facts.error_of_allowed == Approx(0.4));
  CHECK(facts.max_rel_error == Approx(4e-6));
}

TEST_CASE("what is not finite fails where float64 has small numbers", "[check]") {
  const Bench bench;
  const TensorId wrong = bench.training.gradients.at(bench.id("fc1.weight"));
  for (const float value : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const CheckFacts facts = bench.run([&](TensorId id, std::vector<float>& values) {
      if (id == wrong) {
        values[4] = value;
      }
    });
    CHECK_FALSE(facts.passed);
    CHECK(facts.diverged_steps == 0);
    CHECK_FALSE(facts.error_of_allowed <= 1);
  }
}

TEST_CASE("what is not finite where float64 has numbers near the end of the range is divergence",
          "[check]") {
  Bench bench;
  for (float& weight : bench.start[bench.id("fc1.weight")]) {
    weight *= 1e25f;  // the loss is their square
  }
  bench.exact = run_reference(bench.training.graph, bench.start);
  const CheckFacts facts = bench.run([](TensorId, std::vector<float>&) {});
  CHECK(facts.passed);
  CHECK(facts.diverged_steps == 1);
  CHECK(facts.tensors == 0);
}
