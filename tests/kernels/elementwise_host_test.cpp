// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

struct Shape {
  unsigned rows, cols, workers, gap;  // gap: words between the rows (0: dense)
};

// Every small shape, dense and with gaps, on changing numbers of workers.
template <typename Body>
void for_shapes(Body body) {
  Numbers numbers(3);
  for (unsigned rows = 1; rows <= 7; ++rows) {
    for (unsigned cols = 1; cols <= 11; ++cols) {
      for (unsigned gap = 0; gap < 2; ++gap) {
        const Shape shape{rows, cols, 1 + numbers.below(16), gap * (1 + numbers.below(3))};
        INFO(rows << "x" << cols << " workers " << shape.workers << " gap " << shape.gap);
        body(shape, numbers);
      }
    }
  }
  body(Shape{24, 131, 8, 0}, numbers);
  body(Shape{24, 131, 9, 1}, numbers);
}

}  // namespace

TEST_CASE("ReLU and its gradient: each element, nothing else", "[elementwise]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    std::vector<float> x = numbers.vector(s.rows * s.cols);
    x[0] = -0.0f;
    x.back() = std::numeric_limits<float>::quiet_NaN();
    etude_unary_args relu{};
    relu.x = arena.matrix(s.rows, s.cols, pitch, x);
    relu.y = arena.matrix(s.rows, pitch);
    relu.rows = s.rows;
    relu.cols = s.cols;
    relu.pitch_x = relu.pitch_y = pitch;
    arena.snapshot();
    run_on_host(etude_relu, &relu, s.workers);
    REQUIRE(arena.only_changed(relu.y, s.rows, s.cols, pitch));
    const std::vector<float> y = arena.read(relu.y, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float want = std::isnan(x[i]) ? x[i] : x[i] > 0 ? x[i] : 0.0f;
      REQUIRE(bits_of(y[i]) == bits_of(want));
    }

    const std::vector<float> dy = numbers.vector(s.rows * s.cols);
    etude_result_grad_args grad{};
    grad.dy = arena.matrix(s.rows, s.cols, pitch, dy);
    grad.y = relu.y;
    grad.dx = arena.matrix(s.rows, pitch);
    grad.rows = s.rows;
    grad.cols = s.cols;
    grad.pitch_dy = grad.pitch_y = grad.pitch_dx = pitch;
    arena.snapshot();
    run_on_host(etude_relu_grad, &grad, s.workers);
    REQUIRE(arena.only_changed(grad.dx, s.rows, s.cols, pitch));
    const std::vector<float> dx = arena.read(grad.dx, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < dx.size(); ++i) {
      REQUIRE(bits_of(dx[i]) == (y[i] <= 0 ? 0u : bits_of(dy[i])));
    }
  });
}

TEST_CASE("add, SGD: rounded once", "[elementwise]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> a = numbers.vector(s.rows * s.cols);
    const std::vector<float> b = numbers.vector(s.rows * s.cols);
    etude_binary_args add{};
    add.a = arena.matrix(s.rows, s.cols, pitch, a);
    add.b = arena.matrix(s.rows, s.cols, pitch, b);
    add.c = arena.matrix(s.rows, pitch);
    add.rows = s.rows;
    add.cols = s.cols;
    add.pitch_a = add.pitch_b = add.pitch_c = pitch;
    arena.snapshot();
    run_on_host(etude_add, &add, s.workers);
    REQUIRE(arena.only_changed(add.c, s.rows, s.cols, pitch));
    const std::vector<float> c = arena.read(add.c, s.rows, s.cols, pitch);

    etude_sgd_args sgd{};
    sgd.w = add.a;
    sgd.g = add.b;
    sgd.rows = s.rows;
    sgd.cols = s.cols;
    sgd.pitch_w = sgd.pitch_g = pitch;
    sgd.lr = bits_of(0.01f);
    arena.snapshot();
    run_on_host(etude_sgd, &sgd, s.workers);
    REQUIRE(arena.only_changed(sgd.w, s.rows, s.cols, pitch));
    const std::vector<float> w = arena.read(sgd.w, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < c.size(); ++i) {
      REQUIRE(c[i] == a[i] + b[i]);
      // the product of two floats is exact in double, the difference is rounded there far below
      // half an ulp of the float
      REQUIRE(w[i] == std::fma(-0.01f, b[i], a[i]));
    }
  });
}

TEST_CASE("fill and broadcast", "[elementwise]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> row = numbers.vector(s.cols);
    etude_fill_args fill{};
    fill.dst = arena.matrix(s.rows, pitch);
    fill.rows = s.rows;
    fill.cols = s.cols;
    fill.pitch_dst = pitch;
    fill.value = bits_of(2.5f);
    arena.snapshot();
    run_on_host(etude_fill, &fill, s.workers);
    REQUIRE(arena.only_changed(fill.dst, s.rows, s.cols, pitch));
    for (const float x : arena.read(fill.dst, s.rows, s.cols, pitch)) {
      REQUIRE(x == 2.5f);
    }
    etude_broadcast_row_args broadcast{};
    broadcast.row = arena.matrix(1, s.cols, s.cols, row);
    broadcast.dst = fill.dst;
    broadcast.rows = s.rows;
    broadcast.cols = s.cols;
    broadcast.pitch_dst = pitch;
    arena.snapshot();
    run_on_host(etude_broadcast_row, &broadcast, s.workers);
    REQUIRE(arena.only_changed(broadcast.dst, s.rows, s.cols, pitch));
    const std::vector<float> got = arena.read(broadcast.dst, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < got.size(); ++i) {
      REQUIRE(got[i] == row[i % s.cols]);
    }
  });
}

TEST_CASE("transpose, with and without the mask of a ReLU", "[transpose]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    for (const bool mask : {false, true}) {
      arena.clear();
      const unsigned pitch = s.cols + s.gap, pitch_dst = s.rows + s.gap;
      const std::vector<float> x = numbers.vector(s.rows * s.cols);
      const std::vector<float> y = numbers.vector(s.rows * s.cols);
      etude_transpose_args args{};
      args.src = arena.matrix(s.rows, s.cols, pitch, x);
      args.y = mask ? arena.matrix(s.rows, s.cols, pitch + 1, y) : 0;
      args.dst = arena.matrix(s.cols, pitch_dst);
      args.rows = s.rows;
      args.cols = s.cols;
      args.pitch_src = pitch;
      args.pitch_y = pitch + 1;
      args.pitch_dst = pitch_dst;
      arena.snapshot();
      run_on_host(etude_transpose, &args, s.workers);
      REQUIRE(arena.only_changed(args.dst, s.cols, s.rows, pitch_dst));
      const std::vector<float> got = arena.read(args.dst, s.cols, s.rows, pitch_dst);
      for (unsigned r = 0; r < s.rows; ++r) {
        for (unsigned c = 0; c < s.cols; ++c) {
          const unsigned i = r * s.cols + c;
          REQUIRE(got[c * s.rows + r] == (mask && y[i] <= 0 ? 0.0f : x[i]));
        }
      }
    }
  });
}

TEST_CASE("column sums: ascending rows, accumulated or fresh", "[reduce]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const std::vector<float> x = numbers.vector(s.rows * s.cols);
    const std::vector<float> old = numbers.vector(s.cols);
    etude_column_sum_args args{};
    args.pitch_src = s.cols + s.gap;
    args.src = arena.matrix(s.rows, s.cols, args.pitch_src, x);
    args.dst = arena.matrix(1, s.cols, s.cols, old);
    args.rows = s.rows;
    args.cols = s.cols;
    args.accumulate = numbers.below(2);
    arena.snapshot();
    run_on_host(etude_column_sum, &args, s.workers);
    REQUIRE(arena.only_changed(args.dst, 1, s.cols, s.cols));
    const std::vector<float> got = arena.read(args.dst, 1, s.cols, s.cols);
    for (unsigned c = 0; c < s.cols; ++c) {
      float sum = args.accumulate ? old[c] : 0.0f;
      for (unsigned r = 0; r < s.rows; ++r) {
        sum += x[r * s.cols + c];
      }
      REQUIRE(got[c] == sum);
    }
  });
}

TEST_CASE("MSE and its gradient", "[reduce]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap;
    const std::vector<float> y = numbers.vector(s.rows * s.cols);
    const std::vector<float> t = numbers.vector(s.rows * s.cols);
    const float scale = 1.0f / static_cast<float>(y.size());
    etude_mse_args args{};
    args.y = arena.matrix(s.rows, s.cols, pitch, y);
    args.t = arena.matrix(s.rows, s.cols, pitch, t);
    args.dy = arena.matrix(s.rows, pitch);
    args.loss = arena.matrix(1, 1, 1, {0.5f});
    args.rows = s.rows;
    args.cols = s.cols;
    args.pitch_y = args.pitch_t = args.pitch_dy = pitch;
    args.scale_loss = bits_of(scale);
    args.scale_grad = bits_of(2 * scale);
    arena.snapshot();
    run_on_host(etude_mse, &args, s.workers);
    const std::vector<float> dy = arena.read(args.dy, s.rows, s.cols, pitch);
    double loss = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      REQUIRE(dy[i] == (y[i] - t[i]) * (2 * scale));
      loss += (double(y[i]) - t[i]) * (double(y[i]) - t[i]) * scale;
    }
    REQUIRE(std::abs(arena.read(args.loss, 1, 1, 1)[0] - 0.5 - loss) < 3e-7 * (0.5 + loss));
    *arena.word(args.loss) = bits_of(0.5f);
    REQUIRE(arena.only_changed(args.dy, s.rows, s.cols, pitch));
  });
}

TEST_CASE("binary cross entropy and its gradient", "[reduce]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    for (const float range : {1.0f, 40.0f}) {
      arena.clear();
      const unsigned pitch = s.cols + s.gap;
      std::vector<float> x = numbers.vector(s.rows * s.cols);
      std::vector<float> t = numbers.vector(s.rows * s.cols);
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] *= range;
        t[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : std::min(1.0f, std::abs(t[i]));
      }
      const float scale = 1.0f / static_cast<float>(x.size());
      etude_mse_args args{};
      args.y = arena.matrix(s.rows, s.cols, pitch, x);
      args.t = arena.matrix(s.rows, s.cols, pitch, t);
      args.dy = arena.matrix(s.rows, pitch);
      args.loss = arena.matrix(1, 1, 1, {0.5f});
      args.rows = s.rows;
      args.cols = s.cols;
      args.pitch_y = args.pitch_t = args.pitch_dy = pitch;
      args.scale_loss = bits_of(scale);
      args.scale_grad = bits_of(scale);
      arena.snapshot();
      run_on_host(etude_bce, &args, s.workers);
      const std::vector<float> dx = arena.read(args.dy, s.rows, s.cols, pitch);
      double loss = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double logit = x[i], e = std::exp(-std::abs(logit));
        const double p = logit < 0 ? e / (1 + e) : 1 / (1 + e);
        const double wanted = ((logit > 0 ? 1.0 - t[i] - e / (1 + e) : p - t[i])) * scale;
        REQUIRE(std::abs(dx[i] - wanted) < 5e-7 * scale);
        loss += (std::max(logit, 0.0) - logit * t[i] + std::log1p(e)) * scale;
      }
      REQUIRE(std::abs(arena.read(args.loss, 1, 1, 1)[0] - 0.5 - loss) < 2e-6 * (0.5 + loss));
      *arena.word(args.loss) = bits_of(0.5f);
      REQUIRE(arena.only_changed(args.dy, s.rows, s.cols, pitch));
    }
  });
}

TEST_CASE("binary16 and back", "[convert]") {
  Arena arena(1u << 15);
  for_shapes([&](const Shape& s, Numbers& numbers) {
    arena.clear();
    const unsigned pitch = s.cols + s.gap, pitch_half = 2 * pitch;  // in elements
    const std::vector<float> x = numbers.vector(s.rows * s.cols);
    etude_convert_args down{};
    down.src = arena.matrix(s.rows, s.cols, pitch, x);
    down.dst = arena.matrix(s.rows, pitch);
    down.rows = s.rows;
    down.cols = s.cols;
    down.pitch_src = pitch;
    down.pitch_dst = pitch_half;
    arena.snapshot();
    run_on_host(etude_fp32_to_fp16, &down, s.workers);
    REQUIRE(arena.only_changed(down.dst, s.rows, (s.cols + 1) / 2, pitch));
    etude_convert_args up{};
    up.src = down.dst;
    up.dst = arena.matrix(s.rows, pitch);
    up.rows = s.rows;
    up.cols = s.cols;
    up.pitch_src = pitch_half;
    up.pitch_dst = pitch;
    arena.snapshot();
    run_on_host(etude_fp16_to_fp32, &up, s.workers);
    REQUIRE(arena.only_changed(up.dst, s.rows, s.cols, pitch));
    const std::vector<float> got = arena.read(up.dst, s.rows, s.cols, pitch);
    for (std::size_t i = 0; i < got.size(); ++i) {
      // 11 significant bits: half an ulp is 2^-11 of the number (and 2^-25 below 2^-14)
      REQUIRE(std::abs(got[i] - x[i]) <= std::max(0x1p-11f * std::abs(x[i]), 0x1p-25f));
      REQUIRE((bits_of(got[i]) & 0x1FFF) == 0);
    }
  });
}
