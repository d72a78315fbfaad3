// SPDX-License-Identifier: Apache-2.0
// Kernels whose taps stand apart, against plain loops in float64.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

struct Case {
  int channels, height, width, kh, kw, sy, sx, top, left, dy, dx;
  unsigned workers;
  int out_height() const { return (height + 2 * top - (kh - 1) * dy - 1) / sy + 1; }
  int out_width() const { return (width + 2 * left - (kw - 1) * dx - 1) / sx + 1; }
  unsigned pixels() const { return static_cast<unsigned>(height * width); }
  unsigned outputs() const { return static_cast<unsigned>(out_height() * out_width()); }
  unsigned taps() const { return static_cast<unsigned>(kh * kw); }
};

const Case kCases[] = {
    {3, 5, 7, 3, 3, 1, 1, 2, 2, 2, 2, 8},  {2, 9, 8, 3, 2, 2, 3, 1, 1, 3, 2, 3},
    {4, 1, 20, 1, 3, 1, 1, 0, 4, 1, 4, 5}, {5, 11, 7, 2, 3, 1, 2, 1, 0, 4, 1, 16},
    {1, 6, 6, 2, 2, 1, 1, 0, 0, 5, 3, 2},  {9, 8, 9, 5, 1, 3, 1, 4, 0, 2, 1, 8}};

/// A call of each kind on random operands.
struct Call {
  Case c;
  Arena arena{1u << 17};
  Numbers numbers;
  std::vector<float> x, dy, weights;
  etude_window_args a{};

  Call(const Case& one, unsigned seed) : c(one), numbers(seed) {
    x = numbers.vector(c.channels * c.pixels());
    for (float& v : x) {
      v = std::round(v * 4);  // many equal ones: the first maximum counts
    }
    dy = numbers.vector(c.channels * c.outputs());
    weights = numbers.vector(c.channels * c.taps());
    a.channels = c.channels;
    a.height = c.height;
    a.width = c.width;
    a.channel_pitch = c.pixels() + 3;
    a.kernel = c.kh << 16 | c.kw;
    a.stride = c.sy << 16 | c.sx;
    a.pad = c.top << 16 | c.left;
    a.out_height = c.dy << 16 | c.out_height();
    a.out_width = c.dx << 16 | c.out_width();
    a.pitch = c.outputs() + 2;
  }

  std::uint32_t image() { return arena.matrix(c.channels, c.pixels(), a.channel_pitch, x); }
  std::uint32_t gradient() { return arena.matrix(c.channels, c.outputs(), a.pitch, dy); }

  /// Runs a kernel that writes [rows, cols] of `pitch` into a.dst.
  std::vector<float> run(KernelFunction kernel, unsigned rows, unsigned cols, unsigned pitch) {
    a.dst = arena.matrix(rows, pitch);
    arena.snapshot();
    run_on_host(kernel, &a, c.workers);
    REQUIRE(arena.only_changed(a.dst, rows, cols, pitch));
    return arena.read(a.dst, rows, cols, pitch);
  }

  /// visit(channel, output, tap, element of the image or -1), taps of an output in order.
  template <typename Visit>
  void for_taps(Visit visit) const {
    for (int ch = 0; ch < c.channels; ++ch) {
      for (int o = 0; o < static_cast<int>(c.outputs()); ++o) {
        for (int tap = 0; tap < static_cast<int>(c.taps()); ++tap) {
          const int row = o / c.out_width() * c.sy - c.top + tap / c.kw * c.dy;
          const int col = o % c.out_width() * c.sx - c.left + tap % c.kw * c.dx;
          const bool inside = row >= 0 && row < c.height && col >= 0 && col < c.width;
          visit(ch, o, tap, inside ? ch * static_cast<int>(c.pixels()) + row * c.width + col : -1);
        }
      }
    }
  }
};

void require_close(const std::vector<float>& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(std::abs(got[i] - wanted[i]) <= 4e-6 * (1 + std::abs(wanted[i])));
  }
}

}  // namespace

TEST_CASE("columns and rows of taps that stand apart, and back", "[convolution]") {
  for (const Case& c : kCases) {
    Call call(c, 31);
    const unsigned lines = c.channels * c.taps();
    std::vector<double> columns(lines * c.outputs()), rows(columns.size());
    call.for_taps([&](int ch, int o, int tap, int at) {
      const double value = at < 0 ? 0 : call.x[at];
      columns[(ch * c.taps() + tap) * c.outputs() + o] = value;
      rows[o * lines + ch * c.taps() + tap] = value;
    });
    call.a.src = call.image();
    require_close(call.run(etude_im2col_dilated, lines, c.outputs(), call.a.pitch), columns);
    const std::uint32_t made = call.a.dst;
    call.a.pitch = lines + 1;
    require_close(call.run(etude_im2row_dilated, c.outputs(), lines, call.a.pitch), rows);
    call.a.pitch = c.outputs() + 2;
    call.a.src = made;
    std::vector<double> back(call.x.size());
    call.for_taps([&](int, int, int, int at) { back[at < 0 ? 0 : at] += at < 0 ? 0 : call.x[at]; });
    require_close(call.run(etude_col2im_dilated, c.channels, c.pixels(), call.a.channel_pitch),
                  back);
    call.a.kernel |= 1u << 31;  // once more on top
    run_on_host(etude_col2im_dilated, &call.a, c.workers);
    for (double& v : back) {
      v *= 2;
    }
    require_close(call.arena.read(call.a.dst, c.channels, c.pixels(), call.a.channel_pitch), back);
  }
}

TEST_CASE("depthwise convolution with taps that stand apart, and its gradients", "[convolution]") {
  for (const Case& c : kCases) {
    Call call(c, 32);
    std::vector<double> y(call.dy.size()), dx(call.x.size()), dw(call.weights.size());
    call.for_taps([&](int ch, int o, int tap, int at) {
      if (at >= 0) {
        const std::size_t out = ch * c.outputs() + o, w = ch * c.taps() + tap;
        y[out] += static_cast<double>(call.x[at]) * call.weights[w];
        dx[at] += static_cast<double>(call.dy[out]) * call.weights[w];
        dw[w] += static_cast<double>(call.x[at]) * call.dy[out];
      }
    });
    const std::uint32_t image = call.image(), gradient = call.gradient();
    const std::uint32_t w = call.arena.matrix(1, dw.size(), dw.size(), call.weights);
    call.a.src = image;
    call.a.aux = w;
    require_close(call.run(etude_depthwise_dilated, c.channels, c.outputs(), call.a.pitch), y);
    call.a.src = gradient;
    require_close(
        call.run(etude_depthwise_grad_input_dilated, c.channels, c.pixels(), call.a.channel_pitch),
        dx);
    call.a.src = image;
    call.a.aux = gradient;
    require_close(call.run(etude_depthwise_grad_weight_dilated, 1, dw.size(), dw.size()), dw);
    call.a.kernel |= 1u << 31;  // once more on top
    run_on_host(etude_depthwise_grad_weight_dilated, &call.a, c.workers);
    for (double& v : dw) {
      v *= 2;
    }
    require_close(call.arena.read(call.a.dst, 1, dw.size(), dw.size()), dw);
  }
}

TEST_CASE("pooling with taps that stand apart, and its gradients", "[convolution]") {
  for (const Case& c : kCases) {
    for (const bool positive : {false, true}) {
      Call call(c, 33);
      const std::size_t n = call.dy.size();
      std::vector<int> best(n, -1), count(n);
      std::vector<double> mean(n), most(n), dx(call.x.size()), share(call.x.size());
      call.for_taps([&](int ch, int o, int, int at) {
        const std::size_t out = ch * c.outputs() + o;
        if (at >= 0) {
          best[out] = best[out] < 0 || call.x[at] > call.x[best[out]] ? at : best[out];
          mean[out] += call.x[at];
          ++count[out];
        }
      });
      for (std::size_t i = 0; i < n; ++i) {
        REQUIRE(count[i] > 0);
        mean[i] /= count[i];
        most[i] = positive ? std::max(0.0f, call.x[best[i]]) : call.x[best[i]];
        dx[best[i]] += !positive || call.x[best[i]] > 0 ? call.dy[i] : 0;
      }
      call.for_taps([&](int ch, int o, int, int at) {
        const std::size_t out = ch * c.outputs() + o;
        if (at >= 0) {
          share[at] += static_cast<double>(call.dy[out]) / count[out];
        }
      });
      const std::uint32_t image = call.image(), gradient = call.gradient();
      call.a.src = image;
      require_close(call.run(etude_avgpool_dilated, c.channels, c.outputs(), call.a.pitch), mean);
      call.a.src = gradient;
      require_close(
          call.run(etude_avgpool_grad_dilated, c.channels, c.pixels(), call.a.channel_pitch),
          share);
      call.a.kernel |= positive ? 1u << 31 : 0;
      call.a.aux = image;
      require_close(
          call.run(etude_maxpool_grad_dilated, c.channels, c.pixels(), call.a.channel_pitch), dx);
      call.a.src = image;
      require_close(call.run(etude_maxpool_dilated, c.channels, c.outputs(), call.a.pitch), most);
    }
  }
}
