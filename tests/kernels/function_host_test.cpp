// SPDX-License-Identifier: Apache-2.0
// Functions of one element that are made of x, and the larger and smaller of two, against float64.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

/// A kernel with parameters, and what it computes.
struct Function {
  const char* name;
  KernelFunction kernel;
  std::function<double(double)> f;
  double relative, absolute;  ///< errors allowed; the former in parts of the result
  std::vector<float> p = {};
};

void set(std::uint32_t* words, const std::vector<float>& p) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    words[i] = std::bit_cast<std::uint32_t>(p[i]);
  }
}

double elu(double x, double gamma, double scale, double rate) {
  return x > 0 ? gamma * x : scale * std::expm1(rate * x);
}
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

const std::vector<Function>& functions() {
  const auto power = [](float p) {
    return Function{"power", etude_power, [p](double x) { return std::pow(x, p); },
                    5e-7,    2e-45,       {p}};
  };
  static const std::vector<Function> found{
      {"exponential", etude_exponential, [](double x) { return std::exp(x); }, 2.4e-7, 2e-45},
      {"logarithm", etude_logarithm, [](double x) { return std::log(x); }, 2.4e-7, 1e-7},
      {"softplus", etude_softplus, softplus, 4e-7, 2e-38},
      {"erf", etude_erf, [](double x) { return std::erf(x); }, 2.4e-7, 2e-45},
      {"square_root", etude_square_root, [](double x) { return std::sqrt(x); }, 6e-8, 0},
      {"reciprocal", etude_reciprocal, [](double x) { return 1 / x; }, 6e-8, 2e-45},
      {"sine", etude_sine, [](double x) { return std::sin(x); }, 2.4e-7, 2e-45},
      {"cosine", etude_cosine, [](double x) { return std::cos(x); }, 2.4e-7, 0},
      {"elu", etude_elu, [](double x) { return elu(x, 1, 1, 1); }, 3e-7, 2e-45, {1, 1, 1}},
      {"elu",
       etude_elu,
       [](double x) { return elu(x, 1.5f, 0.3f, 4); },
       3e-7,
       2e-45,
       {1.5f, 0.3f, 4}},
      {"clip",
       etude_piecewise,
       [](double x) { return std::clamp(x, -0.75, 2.5); },
       0,
       0,
       {-0.75f, 2.5f, 0, 0, 1, 0}},
      {"leaky",
       etude_piecewise,
       [](double x) { return x > 0 ? x : 0.3f * x; },
       6e-8,
       2e-45,
       {0, kInfinity, 0.3f, 0, 1, 0}},
      {"abs", etude_piecewise, [](double x) { return std::abs(x); }, 0, 0, {0, 0, -1, 1, 1, 0}},
      {"hard sigmoid",
       etude_piecewise,
       [](double x) { return std::clamp(0.2f * x + 0.5, 0.0, 1.0); },
       6e-8,
       6e-8,
       {0, 1, 0, 0, 0.2f, 0.5f}},
      power(1.5f),
      power(-0.5f),
      power(0.1f),
      power(-2),
      power(5),
      power(7.25f),
      power(-3)};
  return found;
}

std::vector<float> result_of(const Function& function, const std::vector<float>& x) {
  Arena arena(1u << 18);
  const auto n = static_cast<std::uint32_t>(x.size());
  const std::uint32_t px = arena.matrix(1, n, n, x), py = arena.matrix(1, n);
  etude_function_args args{px, py, 1, n, n, n, {}};
  set(args.p, function.p);
  run_on_host(function.kernel, &args, 3);
  return arena.read(py, 1, n, n);
}

/// As a float has it: infinite where float64 is beyond its range.
void require_equal(float got, double want, const Function& function) {
  if (std::isnan(want)) {
    REQUIRE(std::isnan(got));
  } else if (std::abs(want) > 3.4028236e38) {
    REQUIRE(got == (want > 0 ? kInfinity : -kInfinity));
  } else {
    REQUIRE(std::abs(got - want) <= function.relative * std::abs(want) + function.absolute);
  }
}

}  // namespace

TEST_CASE("functions of one element over the whole range of floats, with what is not finite",
          "[function]") {
  std::vector<float> x{0.0f,  -0.0f, kInfinity, -kInfinity, kNan,
                       -kNan, 1.0f,  -1.0f,     89.0f,      -110.0f};
  for (float size = 0x1p-149f; size < 3e38f; size *= size < 1e-3f ? 1.9f : 1.0137f) {
    x.insert(x.end(), {size, -size});
  }
  for (float near = -13; near < 13; near += 0.0137f) {
    x.push_back(near);
  }
  for (const Function& function : functions()) {
    const std::vector<float> y = result_of(function, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      INFO(function.name << " " << (function.p.empty() ? 0 : function.p[0]) << ": x " << x[i]
                         << " y " << y[i] << " for " << function.f(x[i]));
      require_equal(y[i], function.f(x[i]), function);
    }
  }
}

TEST_CASE("functions write each element of every small shape, and nothing else", "[function]") {
  Arena arena(1u << 14);
  Numbers numbers(5);
  for (unsigned cols = 1; cols <= 7; ++cols) {
    for (const Function& function : functions()) {
      arena.clear();
      const unsigned rows = 1 + numbers.below(5), pitch = cols + numbers.below(3);
      const unsigned workers = 1 + numbers.below(9);
      INFO(function.name << ' ' << rows << "x" << cols << " pitch " << pitch);
      const std::vector<float> x = numbers.vector(rows * cols);
      const std::uint32_t py = arena.matrix(rows, pitch);
      etude_function_args args{
          arena.matrix(rows, cols, pitch, x), py, rows, cols, pitch, pitch, {}};
      set(args.p, function.p);
      arena.snapshot();
      run_on_host(function.kernel, &args, workers);
      REQUIRE(arena.only_changed(py, rows, cols, pitch));
      const std::vector<float> y = arena.read(py, rows, cols, pitch);
      for (std::size_t i = 0; i < x.size(); ++i) {
        require_equal(y[i], function.f(x[i]), function);
      }
    }
  }
}

TEST_CASE("slopes of Piecewise and Elu, at their corners and where x is not finite", "[function]") {
  const float up = std::nextafterf(-1.0f, 0.0f);
  struct Slopes {
    KernelFunction kernel;
    std::vector<float> p, x, want;
  };
  const std::vector<Slopes> cases{
      {etude_piecewise_grad,
       {-1, 2, 0.25f, -3, 0.5f},
       {-kInfinity, -5, -1, up, 2, 2.5f, kInfinity},
       {0.25f, 0.25f, 0.5f, 0.5f, 0.5f, -3, -3}},
      {etude_piecewise_grad, {0, 0, -1, 1, 0}, {-0x1p-149f, 0, -0.0f, 0x1p-149f}, {-1, 0, 0, 1}},
      {etude_piecewise_grad, {1, -1, 0, 0, 0}, {-2, 0, 2}, {0, 0, 0}},
      {etude_elu_grad,
       {1.5f, 0.5f, 2},
       {-kInfinity, -100, -1, 0, -0.0f, 0x1p-149f, 3, kInfinity},
       {0, 0, 0.0676676416f, 0.5f, 0.5f, 1.5f, 1.5f, 1.5f}},
  };
  for (const Slopes& each : cases) {
    for (const unsigned pitch : {0u, 2u}) {
      Arena arena(1u << 12);
      const auto n = static_cast<std::uint32_t>(each.x.size());
      std::vector<float> dy(n);
      for (std::uint32_t i = 0; i < n; ++i) {
        dy[i] = 1.0f + static_cast<float>(i);
      }
      const std::uint32_t dx = arena.matrix(1, n + pitch);
      etude_function_grad_args args{arena.matrix(1, n, n, dy),
                                    arena.matrix(1, n, n + pitch, each.x),
                                    dx,
                                    1,
                                    n,
                                    n,
                                    n + pitch,
                                    n + pitch,
                                    {}};
      set(args.p, each.p);
      arena.snapshot();
      run_on_host(each.kernel, &args, 2);
      REQUIRE(arena.only_changed(dx, 1, n, n + pitch));
      const std::vector<float> got = arena.read(dx, 1, n, n);
      for (std::uint32_t i = 0; i < n; ++i) {
        INFO("x " << each.x[i] << " slope " << got[i] / dy[i]);
        CHECK(std::abs(got[i] - dy[i] * each.want[i]) <= 3e-7f * dy[i]);
      }
    }
  }
}

TEST_CASE("the larger and the smaller of two, and whose the gradient is", "[function]") {
  const std::vector<float> a{1, 2, 3, -1, 0, kNan, 1, kInfinity, -kInfinity};
  const std::vector<float> b{2, 1, 3, -2, -0.0f, 1, kNan, 1, -kInfinity};
  const std::vector<float> dy{1, 2, 4, 8, 16, 32, 64, 128, 256};
  const auto n = static_cast<std::uint32_t>(a.size());
  Arena arena(1u << 12);
  const std::uint32_t pa = arena.matrix(1, n, n, a), pb = arena.matrix(1, n, n, b);
  const std::uint32_t py = arena.matrix(1, n), pd = arena.matrix(1, n, n, dy);
  const etude_binary_args both{pa, pb, py, 1, n, n, n, n};
  const etude_maximum_grad_args grad{pd, pa, pb, py, 1, n, n, n, n, n};
  run_on_host(etude_maximum, &both, 2);
  const std::vector<float> most = arena.read(py, 1, n, n);
  run_on_host(etude_minimum, &both, 3);
  const std::vector<float> least = arena.read(py, 1, n, n);
  run_on_host(etude_maximum_grad, &grad, 2);
  CHECK(arena.read(py, 1, n, n) == std::vector<float>{0, 2, 2, 8, 8, 32, 64, 128, 128});
  for (std::uint32_t i = 0; i < n; ++i) {
    INFO(a[i] << ' ' << b[i]);
    if (std::isnan(a[i]) || std::isnan(b[i])) {
      CHECK((std::isnan(most[i]) && std::isnan(least[i])));
    } else {
      CHECK((most[i] == std::max(a[i], b[i]) && least[i] == std::min(a[i], b[i])));
    }
  }
}
