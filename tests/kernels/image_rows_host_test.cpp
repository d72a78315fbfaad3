// SPDX-License-Identifier: Apache-2.0
// Images as rows of pixels, per-channel scale and shift, sums over pixels: against plain loops.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

struct Image {
  unsigned channels, height, width, kh, kw, sy, sx, top, left, workers;
  unsigned out_height() const { return (height + 2 * top - kh) / sy + 1; }
  unsigned out_width() const { return (width + 2 * left - kw) / sx + 1; }
};

const Image kImages[] = {{1, 1, 1, 1, 1, 1, 1, 0, 0, 1},   {3, 5, 7, 3, 3, 1, 1, 1, 1, 8},
                         {2, 8, 8, 3, 3, 2, 2, 1, 1, 3},   {4, 9, 6, 2, 3, 2, 1, 0, 1, 9},
                         {5, 7, 11, 5, 1, 3, 2, 2, 0, 16}, {8, 6, 6, 1, 1, 1, 1, 0, 0, 8}};

}  // namespace

TEST_CASE("image to rows of pixels is image to columns, transposed", "[convolution]") {
  Arena arena(1u << 17);
  Numbers numbers(31);
  for (const Image& c : kImages) {
    arena.clear();
    const unsigned outputs = c.out_height() * c.out_width(), lines = c.channels * c.kh * c.kw;
    etude_window_args a{};
    a.channels = c.channels;
    a.height = c.height;
    a.width = c.width;
    a.channel_pitch = c.height * c.width + 3;
    a.kernel = c.kh << 16 | c.kw;
    a.stride = c.sy << 16 | c.sx;
    a.pad = c.top << 16 | c.left;
    a.out_height = c.out_height();
    a.out_width = c.out_width();
    a.src = arena.matrix(c.channels, c.height * c.width, a.channel_pitch,
                         numbers.vector(c.channels * c.height * c.width));
    a.pitch = outputs;
    a.dst = arena.matrix(lines, outputs);
    run_on_host(etude_im2col, &a, c.workers);
    const auto columns = arena.read(a.dst, lines, outputs, outputs);
    a.pitch = lines + 1;
    a.dst = arena.matrix(outputs, a.pitch);
    arena.snapshot();
    run_on_host(etude_im2row, &a, c.workers);
    REQUIRE(arena.only_changed(a.dst, outputs, lines, a.pitch));
    const auto rows = arena.read(a.dst, outputs, lines, a.pitch);
    for (unsigned line = 0; line < lines; ++line) {
      for (unsigned pixel = 0; pixel < outputs; ++pixel) {
        REQUIRE(rows[pixel * lines + line] == columns[line * outputs + pixel]);
      }
    }
  }
}

TEST_CASE("columns are added to an image that is there", "[convolution]") {
  Arena arena(1u << 16);
  Numbers numbers(32);
  etude_window_args a{};
  a.channels = 3;
  a.height = 6;
  a.width = 9;
  a.channel_pitch = 54;
  a.kernel = 3 << 16 | 3;
  a.stride = 1 << 16 | 2;
  a.pad = 1 << 16 | 1;
  a.out_height = 6;
  a.out_width = 5;
  a.pitch = 30;
  a.src = arena.matrix(27, 30, 30, numbers.vector(27 * 30));
  a.dst = arena.matrix(3, 54);
  run_on_host(etude_col2im, &a, 8);
  const auto alone = arena.read(a.dst, 3, 54, 54);
  const auto before = numbers.vector(3 * 54);
  a.dst = arena.matrix(3, 54, 54, before);
  a.kernel |= 1u << 31;
  arena.snapshot();
  run_on_host(etude_col2im, &a, 8);
  REQUIRE(arena.only_changed(a.dst, 3, 54, 54));
  const auto both = arena.read(a.dst, 3, 54, 54);
  for (std::size_t i = 0; i < both.size(); ++i) {
    REQUIRE(std::abs(both[i] - (before[i] + alone[i])) < 2e-6);
  }
}

TEST_CASE("scale, shift and activation per channel", "[convolution]") {
  Arena arena(1u << 16);
  Numbers numbers(33);
  for (const unsigned activation : {0u, 1u, 2u}) {
    for (const bool scaled : {false, true}) {
      const unsigned channels = 5, rows = 10, cols = 19, pitch = 23;
      auto x = numbers.vector(rows * cols);
      for (float& v : x) {
        v *= 9;
      }
      const auto scale = numbers.vector(channels), shift = numbers.vector(channels);
      etude_affine_rows_args a{};
      a.x = arena.matrix(rows, cols, pitch, x);
      a.y = arena.matrix(rows, pitch);
      a.scale = scaled ? arena.matrix(1, channels, channels, scale) : 0;
      a.shift = arena.matrix(1, channels, channels, shift);
      a.rows = rows;
      a.cols = cols;
      a.pitch_x = a.pitch_y = pitch;
      a.channels = channels;
      a.activation = activation;
      arena.snapshot();
      run_on_host(etude_affine_rows, &a, 8);
      REQUIRE(arena.only_changed(a.y, rows, cols, pitch));
      const auto y = arena.read(a.y, rows, cols, pitch);
      for (unsigned i = 0; i < y.size(); ++i) {
        const unsigned c = i / cols % channels;
        float want = std::fma(x[i], scaled ? scale[c] : 1.0f, shift[c]);
        want = activation > 0 ? std::max(want, 0.0f) : want;
        want = activation > 1 ? std::min(want, 6.0f) : want;
        REQUIRE(y[i] == want);
      }
    }
  }
}

TEST_CASE("sums over the columns of each row", "[convolution]") {
  Arena arena(1u << 16);
  Numbers numbers(34);
  for (const unsigned cols : {1u, 3u, 4u, 37u}) {
    for (const unsigned accumulate : {0u, 1u}) {
      const unsigned rows = 11, pitch = cols + 2;
      const auto src = numbers.vector(rows * cols), old = numbers.vector(rows);
      etude_row_sum_args a{};
      a.src = arena.matrix(rows, cols, pitch, src);
      a.dst = arena.matrix(1, rows, rows, old);
      a.rows = rows;
      a.cols = cols;
      a.pitch_src = pitch;
      a.accumulate = accumulate;
      arena.snapshot();
      run_on_host(etude_row_sum, &a, 8);
      REQUIRE(arena.only_changed(a.dst, 1, rows, rows));
      const auto got = arena.read(a.dst, 1, rows, rows);
      for (unsigned r = 0; r < rows; ++r) {
        double want = accumulate != 0 ? old[r] : 0;
        for (unsigned i = 0; i < cols; ++i) {
          want += src[r * cols + i];
        }
        REQUIRE(std::abs(got[r] - want) < 1e-5);
      }
    }
  }
}
