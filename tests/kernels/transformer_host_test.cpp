// SPDX-License-Identifier: Apache-2.0
// Operators of transformers and optimisers against float64, at odd sizes and numbers of workers.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/host_shapes.h"
#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

double gelu(double x, unsigned form) {
  switch (form) {
    case ETUDE_GELU_ERF:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case ETUDE_GELU_TANH:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    default:
      return x / (1 + std::exp(-1.702 * x));
  }
}

// by the five-point rule: error about 1e-12 here
double slope(const std::function<double(double)>& f, double x) {
  const double h = 1e-3;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

}  // namespace

TEST_CASE("GELU, three forms, with and without bias, and gradient", "[transformer]") {
  Arena arena(1u << 16);
  Numbers numbers(11);
  for (const Shape& s : kShapes) {
    for (unsigned form = 0; form < 3; ++form) {
      for (const bool biased : {false, true}) {
        arena.clear();
        const unsigned pitch = s.cols + s.gap;
        const std::vector<float> x = spread(numbers, s.rows * s.cols, 9.0f);
        const std::vector<float> dy = numbers.vector(s.rows * s.cols);
        const std::vector<float> bias = numbers.vector(s.cols);
        etude_gelu_args a{};
        a.x = arena.matrix(s.rows, s.cols, pitch, x);
        a.y = arena.matrix(s.rows, pitch);
        a.bias = biased ? arena.matrix(1, s.cols, s.cols, bias) : 0;
        a.rows = s.rows;
        a.cols = s.cols;
        a.pitch_x = a.pitch_y = pitch;
        a.form = form;
        etude_gelu_grad_args g{};
        g.x = a.x;
        g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
        g.dx = arena.matrix(s.rows, pitch);
        g.bias = a.bias;
        g.rows = s.rows;
        g.cols = s.cols;
        g.pitch_x = g.pitch_dy = g.pitch_dx = pitch;
        g.form = form;
        arena.snapshot();
        run_on_host(etude_gelu, &a, s.workers);
        REQUIRE(arena.only_changed(a.y, s.rows, s.cols, pitch));
        arena.snapshot();
        run_on_host(etude_gelu_grad, &g, s.workers);
        REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
        std::vector<double> y, dx;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double v = biased ? x[i] + bias[i % s.cols] : x[i];
          y.push_back(gelu(v, form));
          dx.push_back(dy[i] * slope([form](double t) { return gelu(t, form); }, v));
        }
        if (form == ETUDE_GELU_ERF) {  // absolute; the second case is held point by point below
          require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 2e-7, 1);
          require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 2e-7, 1);
        } else {
          require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 4e-7, 1e-3);
          require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 6e-7, 1e-3);
        }
      }
    }
  }
}

TEST_CASE("GELU by erf is right within 1e-7 and half an ulp everywhere, its slope within 2e-7",
          "[transformer]") {
  Arena arena(1u << 17);
  std::vector<float> x{0.0f, -0.0f, 1e-30f, -1e-30f, 5.5f, -5.5f, 100.0f, -100.0f};
  for (int i = -12000; i <= 12000; ++i) {
    x.push_back(static_cast<float>(i) * 0.000998f);
  }
  const auto n = static_cast<std::uint32_t>(x.size());
  const std::uint32_t from = arena.matrix(1, n, n, x), to = arena.matrix(1, n);
  const std::uint32_t ones = arena.matrix(1, n, n, std::vector<float>(n, 1.0f));
  const etude_gelu_args value{from, to, 0, 1, n, n, n, ETUDE_GELU_ERF};
  run_on_host(etude_gelu, &value, 8);
  const auto y = arena.read(to, 1, n, n);
  const etude_gelu_grad_args gradient{from, ones, to, 0, 1, n, n, n, n, ETUDE_GELU_ERF};
  run_on_host(etude_gelu_grad, &gradient, 8);
  const auto slopes = arena.read(to, 1, n, n);
  double worst = 0, worst_slope = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double v = x[i], below = 0.5 * std::erfc(-v / std::sqrt(2.0));
    const double density = std::exp(-0.5 * v * v) / std::sqrt(2 * 3.14159265358979323846);
    worst = std::max(worst, std::abs(y[i] - v * below) - 0x1p-24 * std::abs(v * below));
    worst_slope = std::max(worst_slope, std::abs(slopes[i] - (below + v * density)));
  }
  CHECK(worst <= 1e-7);
  CHECK(worst_slope <= 2e-7);
}

TEST_CASE("layer normalisation, gradient of input, gain and offset", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(12);
  for (const Shape& s : kShapes) {
    for (const bool keep : {false, true}) {
      arena.clear();
      const unsigned pitch = s.cols + s.gap;
      std::vector<float> x = spread(numbers, s.rows * s.cols, 3.0f);
      const std::vector<float> dy = numbers.vector(s.rows * s.cols);
      const std::vector<float> gamma = numbers.vector(s.cols), beta = numbers.vector(s.cols);
      const float epsilon = 1e-5f;
      etude_layernorm_args a{};
      a.x = arena.matrix(s.rows, s.cols, pitch, x);
      a.y = arena.matrix(s.rows, pitch);
      a.gamma = arena.matrix(1, s.cols, s.cols, gamma);
      a.beta = arena.matrix(1, s.cols, s.cols, beta);
      a.stats = keep ? arena.matrix(s.rows, 2) : 0;
      a.rows = s.rows;
      a.cols = s.cols;
      a.pitch_x = a.pitch_y = pitch;
      a.epsilon = bits_of(epsilon);
      run_on_host(etude_layernorm, &a, s.workers);
      etude_layernorm_grad_args g{};
      g.x = a.x;
      g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
      g.gamma = a.gamma;
      g.stats = a.stats;
      g.dx = arena.matrix(s.rows, pitch);
      g.rows = s.rows;
      g.cols = s.cols;
      g.pitch_x = g.pitch_dy = g.pitch_dx = pitch;
      g.epsilon = a.epsilon;
      arena.snapshot();
      run_on_host(etude_layernorm_grad, &g, s.workers);
      REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));

      std::vector<double> y(x.size()), dx(x.size()), dgamma(s.cols), dbeta(s.cols);
      double amplification = 1;  // errors of the input are multiplied by rstd
      for (unsigned r = 0; r < s.rows; ++r) {
        const std::size_t at = static_cast<std::size_t>(r) * s.cols;
        double mean = 0, variance = 0, mean_g = 0, mean_gx = 0;
        for (unsigned c = 0; c < s.cols; ++c) {
          mean += x[at + c] / static_cast<double>(s.cols);
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          variance += (x[at + c] - mean) * (x[at + c] - mean) / s.cols;
        }
        const double rstd = 1 / std::sqrt(variance + epsilon);
        amplification = std::max(amplification, s.cols > 1 ? rstd : 1.0);
        for (unsigned c = 0; c < s.cols; ++c) {
          const double hat = (x[at + c] - mean) * rstd, e = double(dy[at + c]) * gamma[c];
          y[at + c] = hat * gamma[c] + beta[c];
          mean_g += e / s.cols;
          mean_gx += e * hat / s.cols;
          dgamma[c] += dy[at + c] * hat;
          dbeta[c] += dy[at + c];
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          const double hat = (x[at + c] - mean) * rstd, e = double(dy[at + c]) * gamma[c];
          dx[at + c] = rstd * (e - mean_g - hat * mean_gx);
        }
      }
      require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 1e-6 * amplification);
      if (s.cols > 2) {  // of one or two columns the gradient is zero but for epsilon
        require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 2e-6 * amplification);
      }
      if (keep) {
        for (const unsigned accumulate : {0u, 1u}) {
          etude_layernorm_affine_grad_args f{};
          f.x = a.x;
          f.dy = g.dy;
          f.stats = a.stats;
          f.dgamma = arena.matrix(1, s.cols, s.cols, std::vector<float>(s.cols, 1.0f));
          f.dbeta = arena.matrix(1, s.cols, s.cols, std::vector<float>(s.cols, 1.0f));
          f.rows = s.rows;
          f.cols = s.cols;
          f.pitch_x = f.pitch_dy = pitch;
          f.accumulate = accumulate;
          run_on_host(etude_layernorm_affine_grad, &f, s.workers);
          std::vector<double> want_gamma = dgamma, want_beta = dbeta;
          for (unsigned c = 0; c < s.cols && accumulate; ++c) {
            want_gamma[c] += 1;
            want_beta[c] += 1;
          }
          require_close(arena.read(f.dgamma, 1, s.cols, s.cols), want_gamma, 2e-6 * amplification);
          require_close(arena.read(f.dbeta, 1, s.cols, s.cols), want_beta, 2e-6);
        }
      }
    }
  }
}

TEST_CASE("scale, copy, product, row added", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(15);
  for (const Shape& s : kShapes) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> x = numbers.vector(s.rows * s.cols);
    const std::vector<float> y = numbers.vector(s.rows * s.cols);
    const std::uint32_t px = arena.matrix(s.rows, s.cols, pitch, x);
    const std::uint32_t py = arena.matrix(s.rows, s.cols, pitch, y);
    const std::uint32_t row = arena.matrix(1, s.cols, s.cols, y);
    const std::uint32_t out = arena.matrix(s.rows, pitch);
    const etude_unary_args scale{px, out, s.rows, s.cols, pitch, pitch, bits_of(0.3f)};
    const etude_binary_args product{px, py, out, s.rows, s.cols, pitch, pitch, pitch};
    const etude_add_row_args added{px, row, out, s.rows, s.cols, pitch, pitch};
    const auto run = [&](KernelFunction kernel, const void* args, auto&& want) {
      arena.snapshot();
      run_on_host(kernel, args, s.workers);
      REQUIRE(arena.only_changed(out, s.rows, s.cols, pitch));
      const std::vector<float> got = arena.read(out, s.rows, s.cols, pitch);
      for (std::size_t i = 0; i < got.size(); ++i) {
        REQUIRE(got[i] == want(i));
      }
    };
    run(etude_scale, &scale, [&](std::size_t i) { return x[i] * 0.3f; });
    run(etude_copy, &scale, [&](std::size_t i) { return x[i]; });
    run(etude_mul, &product, [&](std::size_t i) { return x[i] * y[i]; });
    run(etude_sub, &product, [&](std::size_t i) { return x[i] - y[i]; });
    run(etude_div, &product, [&](std::size_t i) { return x[i] / y[i]; });
    run(etude_add_row, &added, [&](std::size_t i) { return x[i] + y[i % s.cols]; });
  }
}

TEST_CASE("ReLU6 and its gradient", "[transformer]") {
  Arena arena(1u << 12);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {-infinity, -1, -0.0f, 0,        0.5f,
                                5.9f,      6,  6.1f,  infinity, std::nanf("")};
  const std::vector<float> want = {0, 0, 0, 0, 0.5f, 5.9f, 6, 6, 6};
  const std::vector<float> slope = {0, 0, 0, 0, 1, 1, 0, 0, 0, 1};
  const unsigned n = x.size();
  const std::uint32_t px = arena.matrix(1, n, n, x), py = arena.matrix(1, n);
  const std::uint32_t ones = arena.matrix(1, n, n, std::vector<float>(n, 1.0f)),
                      dx = arena.matrix(1, n);
  const etude_unary_args forward{px, py, 1, n, n, n, 0};
  const etude_result_grad_args backward{ones, py, dx, 1, n, n, n, n};
  run_on_host(etude_relu6, &forward, 3);
  run_on_host(etude_relu6_grad, &backward, 3);
  const std::vector<float> y = arena.read(py, 1, n, n);
  CHECK(std::vector<float>(y.begin(), y.end() - 1) == want);
  CHECK(std::isnan(y.back()));
  CHECK(arena.read(dx, 1, n, n) == slope);
}

TEST_CASE("momentum and Adam", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(16);
  for (const Shape& s : kShapes) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::size_t n = s.rows * s.cols;
    const std::vector<float> w = numbers.vector(n), g = numbers.vector(n), m = numbers.vector(n);
    std::vector<float> v = numbers.vector(n);
    for (float& x : v) {
      x = 0.1f + x * x;  // away from 0, where the step has no accuracy of its own
    }
    etude_momentum_args a{};
    a.w = arena.matrix(s.rows, s.cols, pitch, w);
    a.g = arena.matrix(s.rows, s.cols, pitch, g);
    a.v = arena.matrix(s.rows, s.cols, pitch, m);
    a.rows = s.rows;
    a.cols = s.cols;
    a.pitch = pitch;
    a.lr = bits_of(0.01f);
    a.mu = bits_of(0.9f);
    run_on_host(etude_momentum, &a, s.workers);
    const std::vector<float> new_w = arena.read(a.w, s.rows, s.cols, pitch);
    const std::vector<float> new_v = arena.read(a.v, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < n; ++i) {
      REQUIRE(new_v[i] == std::fma(0.9f, m[i], g[i]));
      REQUIRE(new_w[i] == std::fma(-0.01f, new_v[i], w[i]));
    }
    etude_adam_args d{};
    d.w = arena.matrix(s.rows, s.cols, pitch, w);
    d.g = a.g;
    d.m = arena.matrix(s.rows, s.cols, pitch, m);
    d.v = arena.matrix(s.rows, s.cols, pitch, v);
    d.rows = s.rows;
    d.cols = s.cols;
    d.pitch = pitch;
    d.lr = bits_of(0.001f);
    d.beta1 = bits_of(0.9f);
    d.beta2 = bits_of(0.999f);
    d.epsilon = bits_of(1e-8f);
    run_on_host(etude_adam, &d, s.workers);
    std::vector<double> want_w, want_m, want_v;
    for (std::size_t i = 0; i < n; ++i) {
      want_m.push_back(0.9f * double(m[i]) + (1 - double(0.9f)) * g[i]);
      want_v.push_back(0.999f * double(v[i]) + (1 - double(0.999f)) * g[i] * g[i]);
      want_w.push_back(w[i] - 0.001f * want_m[i] / (std::sqrt(want_v[i]) + 1e-8f));
    }
    require_close(arena.read(d.m, s.rows, s.cols, pitch), want_m, 2e-7, 1);
    require_close(arena.read(d.v, s.rows, s.cols, pitch), want_v, 2e-7, 1);
    require_close(arena.read(d.w, s.rows, s.cols, pitch), want_w, 2e-7, 1);
  }
}
