// SPDX-License-Identifier: Apache-2.0
// Functions whose gradient comes from their result, against float64.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A function with its kernels; all in float64 but the kernels.
struct Function {
  KernelFunction forward, backward;
  std::function<double(double)> f;
  std::function<double(double)> slope;  ///< of the result
  float low, high;                      ///< at minus and plus infinity
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

const Function kSigmoid{etude_sigmoid,    etude_sigmoid_grad,
                        sigmoid,          [](double y) { return y * (1 - y); },
                        std::exp(-87.0f), 1};

const Function kTanh{etude_tanh,
                     etude_tanh_grad,
                     [](double x) { return std::tanh(x); },
                     [](double y) { return 1 - y * y; },
                     -1,
                     1};

/// x through a kernel that takes etude_unary_args, on `workers` workers.
std::vector<float> result_of(KernelFunction kernel, const std::vector<float>& x) {
  Arena arena(1u << 16);
  const auto n = static_cast<std::uint32_t>(x.size());
  const std::uint32_t px = arena.matrix(1, n, n, x), py = arena.matrix(1, n);
  const etude_unary_args args{px, py, 1, n, n, n, 0};
  run_on_host(kernel, &args, 3);
  return arena.read(py, 1, n, n);
}

void check_values(const Function& function) {
  std::vector<float> x;
  for (float magnitude = 0x1p-100f; magnitude < 80; magnitude *= 1.013f) {
    x.insert(x.end(), {magnitude, -magnitude});
  }
  const std::vector<float> y = result_of(function.forward, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    INFO("x " << x[i] << " y " << y[i]);
    const double want = function.f(x[i]);
    // Relative, also where the result is small: 2e-7 is 1.7 units in the last place at most.
    REQUIRE(std::abs(y[i] - want) <= 2e-7 * std::abs(want));
  }
  const std::vector<float> ends = result_of(
      function.forward, {-kInfinity, -200, kInfinity, 200, std::nanf(""), -std::nanf("")});
  for (std::size_t i = 0; i < 4; ++i) {
    const float want = i < 2 ? function.low : function.high;
    CHECK(std::abs(ends[i] - want) <= 1e-5f * std::abs(want));
  }
  CHECK((std::isnan(ends[4]) && std::isnan(ends[5])));
}

/// Forward and backward on matrices of every small shape, dense and with gaps: each element, and
/// nothing else.
void check_shapes(const Function& function) {
  Arena arena(1u << 14);
  Numbers numbers(5);
  for (unsigned rows = 1; rows <= 5; ++rows) {
    for (unsigned cols = 1; cols <= 9; ++cols) {
      arena.clear();
      const unsigned pitch = cols + numbers.below(3), workers = 1 + numbers.below(9);
      INFO(rows << "x" << cols << " pitch " << pitch << " workers " << workers);
      std::vector<float> x = numbers.vector(rows * cols);
      for (float& each : x) {
        each *= 4;
      }
      const std::vector<float> dy = numbers.vector(rows * cols);
      const std::uint32_t py = arena.matrix(rows, pitch);
      const etude_unary_args forward{
          arena.matrix(rows, cols, pitch, x), py, rows, cols, pitch, pitch, 0};
      arena.snapshot();
      run_on_host(function.forward, &forward, workers);
      REQUIRE(arena.only_changed(py, rows, cols, pitch));
      const std::uint32_t dx = arena.matrix(rows, pitch);
      const etude_result_grad_args backward{
          arena.matrix(rows, cols, pitch, dy), py, dx, rows, cols, pitch, pitch, pitch};
      arena.snapshot();
      run_on_host(function.backward, &backward, workers);
      REQUIRE(arena.only_changed(dx, rows, cols, pitch));
      const std::vector<float> y = arena.read(py, rows, cols, pitch);
      const std::vector<float> slopes = arena.read(dx, rows, cols, pitch);
      for (std::size_t i = 0; i < x.size(); ++i) {
        REQUIRE(std::abs(y[i] - function.f(x[i])) <= 2e-7 * std::abs(function.f(x[i])));
        const double want = dy[i] * function.slope(y[i]);
        // Three roundings of half a unit in the last place, 6e-8 each.
        REQUIRE(std::abs(slopes[i] - want) <= 1.8e-7 * std::abs(want));
      }
    }
  }
}

}  // namespace

TEST_CASE("Sigmoid and its gradient", "[activation]") {
  check_values(kSigmoid);
  check_shapes(kSigmoid);
}

TEST_CASE("Tanh and its gradient", "[activation]") {
  check_values(kTanh);
  check_shapes(kTanh);
}
