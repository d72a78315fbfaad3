// SPDX-License-Identifier: Apache-2.0
// Softmax, cross entropy and their gradients against float64, at odd sizes and numbers of workers.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/host_shapes.h"
#include "tests/support/kernel_host.h"

using namespace etude::test;

TEST_CASE("softmax and gradient", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(13);
  for (const Shape& s : kShapes) {
    for (const float range : {1.0f, 60.0f}) {
      arena.clear();
      const unsigned pitch = s.cols + s.gap;
      const std::vector<float> x = spread(numbers, s.rows * s.cols, range);
      const std::vector<float> dy = numbers.vector(s.rows * s.cols);
      etude_softmax_args a{};
      a.x = arena.matrix(s.rows, s.cols, pitch, x);
      a.y = arena.matrix(s.rows, pitch);
      a.rows = s.rows;
      a.cols = s.cols;
      a.pitch_x = a.pitch_y = pitch;
      a.scale = bits_of(0.125f);
      arena.snapshot();
      run_on_host(etude_softmax, &a, s.workers);
      REQUIRE(arena.only_changed(a.y, s.rows, s.cols, pitch));
      etude_softmax_grad_args g{};
      g.y = a.y;
      g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
      g.dx = arena.matrix(s.rows, pitch);
      g.rows = s.rows;
      g.cols = s.cols;
      g.pitch_y = g.pitch_dy = g.pitch_dx = pitch;
      g.scale = a.scale;
      arena.snapshot();
      run_on_host(etude_softmax_grad, &g, s.workers);
      REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
      std::vector<double> y(x.size()), dx(x.size());
      for (unsigned r = 0; r < s.rows; ++r) {
        const std::size_t at = static_cast<std::size_t>(r) * s.cols;
        double sum = 0, dot = 0;
        for (unsigned c = 0; c < s.cols; ++c) {
          sum += y[at + c] = std::exp(0.125 * x[at + c]);
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          y[at + c] /= sum;
          dot += y[at + c] * dy[at + c];
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          dx[at + c] = 0.125 * y[at + c] * (dy[at + c] - dot);
        }
      }
      require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 1e-6);
      if (s.cols > 1) {
        require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 2e-6, 0.125);
      }
    }
  }
}

TEST_CASE("the gradient of a softmax by its definition, for rows of any sum", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(17);
  for (const Shape& s : kShapes) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> y = spread(numbers, s.rows * s.cols, 2.0f);
    const std::vector<float> dy = numbers.vector(s.rows * s.cols);
    etude_softmax_grad_args g{};
    g.y = arena.matrix(s.rows, s.cols, pitch, y);
    g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
    g.dx = arena.matrix(s.rows, pitch);
    g.rows = s.rows;
    g.cols = s.cols;
    g.pitch_y = g.pitch_dy = g.pitch_dx = pitch;
    g.scale = bits_of(0.125f);
    arena.snapshot();
    run_on_host(etude_softmax_grad_any, &g, s.workers);
    REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
    const std::vector<float> dx = arena.read(g.dx, s.rows, s.cols, pitch);
    for (unsigned r = 0; r < s.rows; ++r) {
      const std::size_t at = static_cast<std::size_t>(r) * s.cols;
      double dot = 0;
      for (unsigned c = 0; c < s.cols; ++c) {
        dot += double{y[at + c]} * double{dy[at + c]};
      }
      for (unsigned c = 0; c < s.cols; ++c) {
        const double wanted = 0.125 * y[at + c] * (dy[at + c] - dot);
        const double size = 0.125 * std::abs(y[at + c]) * (std::abs(dy[at + c]) + std::abs(dot));
        REQUIRE(std::abs(dx[at + c] - wanted) <= 2e-7 * size);
      }
    }
  }
}

TEST_CASE("cross entropy keeps its digits when the network is sure of the label", "[transformer]") {
  // Others have e^-9 and less of the probability: 1 - p would keep 11 of 24 bits.
  Arena arena(4096);
  const std::vector<float> x{0.5f, 9.25f, -3.0f, 0.0f};
  double others = 0;
  for (const unsigned i : {0u, 2u, 3u}) {
    others += std::exp(double{x[i]} - double{x[1]});
  }
  etude_cross_entropy_args a{};
  a.x = arena.matrix(1, 4, 4, x);
  a.labels = arena.matrix(1, 1);
  a.log_p = arena.matrix(1, 4);
  a.dx = arena.matrix(1, 4);
  a.loss = arena.matrix(1, 1, 1, {0.0f});
  a.rows = 1;
  a.cols = a.pitch_x = a.pitch_log_p = a.pitch_dx = 4;
  a.scale_loss = a.scale_grad = bits_of(1.0f);
  arena.word(a.labels)[0] = 1;
  run_on_host(etude_cross_entropy, &a, 8);
  std::vector<double> dx;
  for (unsigned i = 0; i < 4; ++i) {
    const double p = std::exp(double{x[i]} - double{x[1]}) / (1 + others);
    dx.push_back(i == 1 ? -others / (1 + others) : p);
  }
  require_close(arena.read(a.loss, 1, 1, 1), {std::log1p(others)}, 5e-7);
  require_close(arena.read(a.dx, 1, 4, 4), dx, 5e-7);
  etude_cross_entropy_grad_args g{};
  g.log_p = a.log_p;
  g.labels = a.labels;
  g.dx = arena.matrix(1, 4);
  g.rows = 1;
  g.cols = g.pitch_log_p = g.pitch_dx = 4;
  g.scale = bits_of(1.0f);
  run_on_host(etude_cross_entropy_grad, &g, 8);
  // The logarithms themselves are rounded: 2^-21 for the others' -9 and below.
  require_close(arena.read(g.dx, 1, 4, 4), dx, 2e-6);
}

TEST_CASE("cross entropy: loss, logarithms, both ways to the gradient", "[transformer]") {
  Arena arena(1u << 17);
  Numbers numbers(14);
  for (const Shape& s : kShapes) {
    if (s.cols < 2) {
      continue;
    }
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> x = spread(numbers, s.rows * s.cols, 8.0f);
    const float share = 1.0f / static_cast<float>(s.rows);
    etude_cross_entropy_args a{};
    a.x = arena.matrix(s.rows, s.cols, pitch, x);
    a.labels = arena.matrix(1, s.rows);
    a.log_p = arena.matrix(s.rows, pitch);
    a.dx = arena.matrix(s.rows, pitch);
    a.loss = arena.matrix(1, 1, 1, {0.0f});
    a.rows = s.rows;
    a.cols = s.cols;
    a.pitch_x = a.pitch_log_p = a.pitch_dx = pitch;
    a.scale_loss = a.scale_grad = bits_of(share);
    std::vector<double> log_p(x.size()), dx(x.size());
    double loss = 0;
    for (unsigned r = 0; r < s.rows; ++r) {
      const unsigned label = numbers.below(s.cols);
      arena.word(a.labels)[r] = label;
      const std::size_t at = static_cast<std::size_t>(r) * s.cols;
      double sum = 0;
      for (unsigned c = 0; c < s.cols; ++c) {
        sum += std::exp(double(x[at + c]));
      }
      for (unsigned c = 0; c < s.cols; ++c) {
        log_p[at + c] = x[at + c] - std::log(sum);
        dx[at + c] = share * (std::exp(log_p[at + c]) - (c == label));
      }
      loss -= share * log_p[at + label];
    }
    run_on_host(etude_cross_entropy, &a, s.workers);
    require_close(arena.read(a.loss, 1, 1, 1), {loss}, 1e-6);
    require_close(arena.read(a.log_p, s.rows, s.cols, pitch), log_p, 5e-7);
    require_close(arena.read(a.dx, s.rows, s.cols, pitch), dx, 2e-6);
    etude_cross_entropy_grad_args g{};
    g.log_p = a.log_p;
    g.labels = a.labels;
    g.dx = arena.matrix(s.rows, pitch);
    g.rows = s.rows;
    g.cols = s.cols;
    g.pitch_log_p = g.pitch_dx = pitch;
    g.scale = a.scale_grad;
    arena.snapshot();
    run_on_host(etude_cross_entropy_grad, &g, s.workers);
    REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
    require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 2e-6);
  }
}
