// SPDX-License-Identifier: Apache-2.0
// Rows by index and the sums that come back to them, log softmax and normalisation by the root of
// the mean square against float64, at odd sizes and numbers of workers.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "tests/support/host_shapes.h"
#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

constexpr std::uint32_t kEpsilon = 0x3727C5ACu;  // 1e-5
const double kEpsilonValue = static_cast<double>(1e-5f);

/// Arguments that layer normalisation's kernels have in common.
template <typename Args>
Args row_args(const Shape& s, unsigned pitch) {
  Args a{};
  a.rows = s.rows;
  a.cols = s.cols;
  a.pitch_x = pitch;
  a.epsilon = kEpsilon;
  return a;
}

}  // namespace

TEST_CASE("rows of a table by index, and what is added to them", "[index]") {
  Arena arena(1u << 17);
  Numbers numbers(29);
  constexpr unsigned kFirst = 3, kCount = 5, kRows = 11;
  for (const Shape& s : kShapes) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> table = numbers.vector(kCount * s.cols);
    const std::vector<float> old = numbers.vector(s.rows * s.cols);
    std::vector<std::uint32_t> index(s.rows);
    std::vector<float> words(s.rows);
    for (unsigned r = 0; r < s.rows; ++r) {
      index[r] = numbers.below(kRows);
    }
    std::memcpy(words.data(), index.data(), 4 * index.size());
    etude_gather_args a{};
    a.table = arena.matrix(kCount, s.cols, pitch, table);
    a.indices = arena.matrix(1, s.rows, s.rows, words);
    a.dst = arena.matrix(s.rows, s.cols, pitch, old);
    a.first = kFirst;
    a.count = kCount;
    a.rows = s.rows;
    a.cols = s.cols;
    a.pitch_table = a.pitch_dst = pitch;
    arena.snapshot();
    run_on_host(etude_gather, &a, s.workers);
    REQUIRE(arena.only_changed(a.dst, s.rows, s.cols, pitch));
    std::vector<float> wanted = old, sums = table;
    for (unsigned r = 0; r < s.rows; ++r) {
      const bool here = index[r] >= kFirst && index[r] < kFirst + kCount;
      for (unsigned c = 0; here && c < s.cols; ++c) {
        float& own = wanted[std::size_t{r} * s.cols + c];
        float& sum = sums[std::size_t{index[r] - kFirst} * s.cols + c];
        own = table[std::size_t{index[r] - kFirst} * s.cols + c];
        sum += own;  // in ascending rows, as the kernel adds what was gathered
      }
    }
    CHECK(arena.read(a.dst, s.rows, s.cols, pitch) == wanted);
    arena.snapshot();
    run_on_host(etude_scatter_add, &a, s.workers);
    REQUIRE(arena.only_changed(a.table, kCount, s.cols, pitch));
    CHECK(arena.read(a.table, kCount, s.cols, pitch) == sums);
  }
}

TEST_CASE("log softmax and its gradient", "[index]") {
  Arena arena(1u << 17);
  Numbers numbers(31);
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
      arena.snapshot();
      run_on_host(etude_log_softmax, &a, s.workers);
      REQUIRE(arena.only_changed(a.y, s.rows, s.cols, pitch));
      etude_softmax_grad_args g{};
      g.y = a.y;
      g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
      g.dx = arena.matrix(s.rows, pitch);
      g.rows = s.rows;
      g.cols = s.cols;
      g.pitch_y = g.pitch_dy = g.pitch_dx = pitch;
      arena.snapshot();
      run_on_host(etude_log_softmax_grad, &g, s.workers);
      REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
      std::vector<double> y(x.size()), dx(x.size());
      for (unsigned r = 0; r < s.rows; ++r) {
        const std::size_t at = static_cast<std::size_t>(r) * s.cols;
        double most = x[at], sum = 0, dot = 0;
        for (unsigned c = 0; c < s.cols; ++c) {
          most = std::max(most, double{x[at + c]});
          dot += dy[at + c];
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          sum += std::exp(x[at + c] - most);
        }
        for (unsigned c = 0; c < s.cols; ++c) {
          y[at + c] = x[at + c] - most - std::log(sum);
          dx[at + c] = dy[at + c] - std::exp(y[at + c]) * dot;
        }
      }
      require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 1e-6, 1.0);
      require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 4e-6, 1.0);
    }
  }
}

TEST_CASE("normalisation by the root of the mean square, and its gradient", "[index]") {
  Arena arena(1u << 17);
  Numbers numbers(37);
  for (const Shape& s : kShapes) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> x = spread(numbers, s.rows * s.cols, 3.0f);
    const std::vector<float> dy = numbers.vector(s.rows * s.cols);
    const std::vector<float> gamma = numbers.vector(s.cols);
    auto a = row_args<etude_layernorm_args>(s, pitch);
    a.x = arena.matrix(s.rows, s.cols, pitch, x);
    a.gamma = arena.matrix(1, s.cols, s.cols, gamma);
    a.y = arena.matrix(s.rows, pitch);
    a.pitch_y = pitch;
    arena.snapshot();
    run_on_host(etude_rmsnorm, &a, s.workers);
    REQUIRE(arena.only_changed(a.y, s.rows, s.cols, pitch));
    auto t = row_args<etude_layernorm_stats_args>(s, pitch);
    t.x = a.x;
    t.stats = arena.matrix(s.rows, 2);
    arena.snapshot();
    run_on_host(etude_rmsnorm_stats, &t, s.workers);
    REQUIRE(arena.only_changed(t.stats, s.rows, 2, 2));
    auto g = row_args<etude_layernorm_grad_args>(s, pitch);
    g.x = a.x;
    g.gamma = a.gamma;
    g.dy = arena.matrix(s.rows, s.cols, pitch, dy);
    g.dx = arena.matrix(s.rows, pitch);
    g.pitch_dy = g.pitch_dx = pitch;
    arena.snapshot();
    run_on_host(etude_rmsnorm_grad, &g, s.workers);
    REQUIRE(arena.only_changed(g.dx, s.rows, s.cols, pitch));
    std::vector<double> y(x.size()), dx(x.size()), stats(2 * std::size_t{s.rows});
    double slope = 1;
    for (unsigned r = 0; r < s.rows; ++r) {
      const std::size_t at = static_cast<std::size_t>(r) * s.cols;
      double square = 0, along = 0;
      for (unsigned c = 0; c < s.cols; ++c) {
        square += double{x[at + c]} * x[at + c];
        along += double{dy[at + c]} * gamma[c] * x[at + c];
      }
      const double root = 1 / std::sqrt(square / s.cols + kEpsilonValue);
      stats[2 * std::size_t{r} + 1] = root;
      slope = std::max(slope, root);
      for (unsigned c = 0; c < s.cols; ++c) {
        y[at + c] = x[at + c] * root * gamma[c];
        dx[at + c] =
            root * (double{dy[at + c]} * gamma[c] - x[at + c] * root * root * along / s.cols);
      }
    }
    require_close(arena.read(a.y, s.rows, s.cols, pitch), y, 2e-6);
    require_close(arena.read(t.stats, s.rows, 2, 2), stats, 2e-6);
    require_close(arena.read(g.dx, s.rows, s.cols, pitch), dx, 4e-6, slope);
  }
}
