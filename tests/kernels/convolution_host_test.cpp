// SPDX-License-Identifier: Apache-2.0
// Images: columns and back, pooling, batch normalisation, against plain loops in float64.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/kernel_host.h"

using namespace etude::test;

namespace {

struct Case {
  int channels, height, width, kh, kw, sy, sx, top, left;
  unsigned workers;
  int out_height() const { return (height + 2 * top - kh) / sy + 1; }
  int out_width() const { return (width + 2 * left - kw) / sx + 1; }
};

const Case kCases[] = {{1, 1, 1, 1, 1, 1, 1, 0, 0, 1},   {3, 5, 7, 3, 3, 1, 1, 1, 1, 8},
                       {2, 8, 8, 3, 3, 2, 2, 1, 1, 3},   {4, 9, 6, 2, 3, 2, 1, 0, 1, 9},
                       {5, 7, 11, 5, 1, 3, 2, 2, 0, 16}, {8, 16, 16, 3, 3, 2, 2, 1, 1, 8}};

etude_window_args args_of(const Case& c) {
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
  return a;
}

}  // namespace

TEST_CASE("image to columns and back", "[convolution]") {
  Arena arena(1u << 17);
  Numbers numbers(21);
  for (const Case& c : kCases) {
    arena.clear();
    const unsigned pixels = c.height * c.width, outputs = c.out_height() * c.out_width();
    const unsigned lines = c.channels * c.kh * c.kw;
    const std::vector<float> x = numbers.vector(c.channels * pixels);
    etude_window_args a = args_of(c);
    a.src = arena.matrix(c.channels, pixels, a.channel_pitch, x);
    a.pitch = outputs + 1;
    a.dst = arena.matrix(lines, a.pitch);
    arena.snapshot();
    run_on_host(etude_im2col, &a, c.workers);
    REQUIRE(arena.only_changed(a.dst, lines, outputs, a.pitch));
    const std::vector<float> columns = arena.read(a.dst, lines, outputs, a.pitch);
    std::vector<double> back(x.size());
    unsigned line = 0;
    for (int ch = 0; ch < c.channels; ++ch) {
      for (int ky = 0; ky < c.kh; ++ky) {
        for (int kx = 0; kx < c.kw; ++kx, ++line) {
          for (int y = 0; y < c.out_height(); ++y) {
            for (int o = 0; o < c.out_width(); ++o) {
              const int row = y * c.sy - c.top + ky, col = o * c.sx - c.left + kx;
              const bool inside = row >= 0 && row < c.height && col >= 0 && col < c.width;
              const float got = columns[line * outputs + y * c.out_width() + o];
              const std::size_t at = static_cast<std::size_t>(ch) * pixels + row * c.width + col;
              REQUIRE(got == (inside ? x[at] : 0.0f));
              if (inside) {
                back[at] += got;
              }
            }
          }
        }
      }
    }
    etude_window_args b = a;
    b.src = a.dst;
    b.dst = arena.matrix(c.channels, a.channel_pitch);
    arena.snapshot();
    run_on_host(etude_col2im, &b, c.workers);
    REQUIRE(arena.only_changed(b.dst, c.channels, pixels, b.channel_pitch));
    const std::vector<float> got = arena.read(b.dst, c.channels, pixels, b.channel_pitch);
    for (std::size_t i = 0; i < got.size(); ++i) {
      REQUIRE(std::abs(got[i] - back[i]) <= 1e-6 * (1 + std::abs(back[i])));
    }
  }
}

TEST_CASE("pooling and its gradients", "[convolution]") {
  Arena arena(1u << 17);
  Numbers numbers(22);
  for (const Case& c : kCases) {
    arena.clear();
    const unsigned pixels = c.height * c.width, outputs = c.out_height() * c.out_width();
    std::vector<float> x = numbers.vector(c.channels * pixels);
    for (float& v : x) {
      v = std::round(v * 4);  // many equal ones: the first maximum counts
    }
    const std::vector<float> dy = numbers.vector(c.channels * outputs);
    etude_window_args a = args_of(c);
    a.pitch = outputs + 2;
    a.src = arena.matrix(c.channels, pixels, a.channel_pitch, x);
    a.dst = arena.matrix(c.channels, a.pitch);
    etude_window_args average = a;
    average.dst = arena.matrix(c.channels, a.pitch);
    etude_window_args grad = a;
    grad.src = arena.matrix(c.channels, outputs, a.pitch, dy);
    grad.dst = arena.matrix(c.channels, a.channel_pitch);
    grad.aux = a.src;
    etude_window_args average_grad = grad;
    average_grad.dst = arena.matrix(c.channels, a.channel_pitch);
    const auto run = [&](KernelFunction kernel, const etude_window_args& args, unsigned cols,
                         unsigned pitch) {
      arena.snapshot();
      run_on_host(kernel, &args, c.workers);
      REQUIRE(arena.only_changed(args.dst, c.channels, cols, pitch));
      return arena.read(args.dst, c.channels, cols, pitch);
    };
    const auto most = run(etude_maxpool, a, outputs, a.pitch);
    const auto mean = run(etude_avgpool, average, outputs, a.pitch);
    const auto most_grad = run(etude_maxpool_grad, grad, pixels, a.channel_pitch);
    etude_window_args masked = grad;
    masked.kernel |= 1u << 31;
    masked.dst = arena.matrix(c.channels, a.channel_pitch);
    const auto relu_grad = run(etude_maxpool_grad, masked, pixels, a.channel_pitch);
    etude_window_args rectified = a;
    rectified.kernel |= 1u << 31;
    rectified.dst = arena.matrix(c.channels, a.pitch);
    const auto relu_most = run(etude_maxpool, rectified, outputs, a.pitch);
    for (std::size_t i = 0; i < most.size(); ++i) {
      REQUIRE(relu_most[i] == std::max(most[i], 0.0f));
    }
    const auto mean_grad = run(etude_avgpool_grad, average_grad, pixels, a.channel_pitch);
    std::vector<double> want_most(x.size()), want_relu(x.size()), want_mean(x.size());
    for (int ch = 0; ch < c.channels; ++ch) {
      for (unsigned o = 0; o < outputs; ++o) {
        const int y = o / c.out_width() * c.sy - c.top, z = o % c.out_width() * c.sx - c.left;
        double sum = 0;
        int count = 0;
        std::size_t best = 0;
        for (int pass = 0; pass < 2; ++pass) {
          for (int row = std::max(y, 0); row < std::min(y + c.kh, c.height); ++row) {
            for (int col = std::max(z, 0); col < std::min(z + c.kw, c.width); ++col) {
              const std::size_t at = static_cast<std::size_t>(ch) * pixels + row * c.width + col;
              if (pass == 0) {
                best = count == 0 || x[at] > x[best] ? at : best;
                sum += x[at];
                ++count;
              } else {
                want_mean[at] += double(dy[ch * outputs + o]) / count;
              }
            }
          }
        }
        want_most[best] += dy[ch * outputs + o];
        want_relu[best] += x[best] > 0 ? dy[ch * outputs + o] : 0;
        REQUIRE(most[ch * outputs + o] == x[best]);
        REQUIRE(std::abs(mean[ch * outputs + o] - sum / count) < 1e-6);
      }
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(std::abs(most_grad[i] - want_most[i]) < 1e-6);
      REQUIRE(std::abs(relu_grad[i] - want_relu[i]) < 1e-6);
      REQUIRE(std::abs(mean_grad[i] - want_mean[i]) < 1e-6);
    }
  }
}

TEST_CASE("depthwise convolution and its gradients", "[convolution]") {
  Arena arena(1u << 17);
  Numbers numbers(24);
  for (const Case& c : kCases) {
    for (const unsigned accumulate : {0u, 1u}) {
      arena.clear();
      const unsigned pixels = c.height * c.width, outputs = c.out_height() * c.out_width();
      const unsigned taps = c.kh * c.kw;
      const std::vector<float> x = numbers.vector(c.channels * pixels);
      const std::vector<float> dy = numbers.vector(c.channels * outputs);
      const std::vector<float> w = numbers.vector(c.channels * taps);
      etude_window_args a = args_of(c);
      a.pitch = outputs + 2;
      a.src = arena.matrix(c.channels, pixels, a.channel_pitch, x);
      a.dst = arena.matrix(c.channels, a.pitch);
      a.aux = arena.matrix(c.channels, taps, taps, w);
      etude_window_args to_input = a;
      to_input.src = arena.matrix(c.channels, outputs, a.pitch, dy);
      to_input.dst = arena.matrix(c.channels, a.channel_pitch);
      etude_window_args to_weight = a;
      to_weight.aux = to_input.src;
      to_weight.dst = arena.matrix(c.channels, taps, taps, std::vector<float>(w.size(), 1.0f));
      to_weight.kernel |= accumulate << 31;
      const auto run = [&](KernelFunction kernel, const etude_window_args& args, unsigned cols,
                           unsigned pitch) {
        arena.snapshot();
        run_on_host(kernel, &args, c.workers);
        REQUIRE(arena.only_changed(args.dst, c.channels, cols, pitch));
        return arena.read(args.dst, c.channels, cols, pitch);
      };
      const auto y = run(etude_depthwise, a, outputs, a.pitch);
      const auto dx = run(etude_depthwise_grad_input, to_input, pixels, a.channel_pitch);
      const auto dw = run(etude_depthwise_grad_weight, to_weight, taps, taps);
      std::vector<double> want_y(y.size()), want_dx(dx.size()), want_dw(dw.size(), accumulate);
      for (int ch = 0; ch < c.channels; ++ch) {
        for (unsigned o = 0; o < outputs; ++o) {
          for (unsigned t = 0; t < taps; ++t) {
            const int row =
                static_cast<int>(o) / c.out_width() * c.sy - c.top + static_cast<int>(t) / c.kw;
            const int col =
                static_cast<int>(o) % c.out_width() * c.sx - c.left + static_cast<int>(t) % c.kw;
            if (row < 0 || row >= c.height || col < 0 || col >= c.width) {
              continue;
            }
            const std::size_t at = static_cast<std::size_t>(ch) * pixels + row * c.width + col;
            want_y[ch * outputs + o] += double(w[ch * taps + t]) * x[at];
            want_dx[at] += double(w[ch * taps + t]) * dy[ch * outputs + o];
            want_dw[ch * taps + t] += double(x[at]) * dy[ch * outputs + o];
          }
        }
      }
      const auto close = [](const std::vector<float>& got, const std::vector<double>& want) {
        for (std::size_t i = 0; i < got.size(); ++i) {
          REQUIRE(std::abs(got[i] - want[i]) < 4e-6);
        }
      };
      close(y, want_y);
      close(dx, want_dx);
      close(dw, want_dw);
    }
  }
}

TEST_CASE("batch normalisation and its gradients", "[convolution]") {
  Arena arena(1u << 17);
  Numbers numbers(23);
  const unsigned shapes[][4] = {{2, 1, 1, 1}, {4, 3, 5, 8}, {3, 9, 7, 2}, {24, 17, 1, 8}};
  for (const auto& [samples, channels, pixels, workers] : shapes) {
    for (const unsigned accumulate : {0u, 1u}) {
      arena.clear();
      const std::size_t n = static_cast<std::size_t>(samples) * channels * pixels;
      const std::vector<float> x = numbers.vector(n), dy = numbers.vector(n);
      const std::vector<float> gamma = numbers.vector(channels), beta = numbers.vector(channels);
      const float epsilon = 1e-3f;
      etude_batchnorm_args a{};
      a.x = arena.matrix(1, n, n, x);
      a.y = arena.matrix(1, n);
      a.gamma = arena.matrix(1, channels, channels, gamma);
      a.beta = arena.matrix(1, channels, channels, beta);
      a.stats = arena.matrix(channels, 2);
      a.samples = samples;
      a.channels = channels;
      a.pixels = pixels;
      a.epsilon = bits_of(epsilon);
      run_on_host(etude_batchnorm, &a, workers);
      etude_batchnorm_grad_args g{};
      g.x = a.x;
      g.dy = arena.matrix(1, n, n, dy);
      g.gamma = a.gamma;
      g.stats = a.stats;
      g.dx = arena.matrix(1, n);
      g.dgamma = arena.matrix(1, channels, channels, std::vector<float>(channels, 1.0f));
      g.dbeta = arena.matrix(1, channels, channels, std::vector<float>(channels, 1.0f));
      g.samples = samples;
      g.channels = channels;
      g.pixels = pixels;
      g.accumulate = accumulate;
      run_on_host(etude_batchnorm_grad, &g, workers);
      const auto once = arena.read(a.y, 1, n, n);
      run_on_host(etude_batchnorm_apply, &a, workers);
      REQUIRE(arena.read(a.y, 1, n, n) == once);
      const auto y = arena.read(a.y, 1, n, n), dx = arena.read(g.dx, 1, n, n);
      const auto dgamma = arena.read(g.dgamma, 1, channels, channels);
      const auto dbeta = arena.read(g.dbeta, 1, channels, channels);
      const double count = samples * pixels;
      for (unsigned c = 0; c < channels; ++c) {
        const auto at = [&, ch = channels, px = pixels](unsigned i) {
          return (static_cast<std::size_t>(i / px) * ch + c) * px + i % px;
        };
        double mean = 0, variance = 0, sum = 0, product = 0;
        for (unsigned i = 0; i < count; ++i) {
          mean += x[at(i)] / count;
        }
        for (unsigned i = 0; i < count; ++i) {
          variance += (x[at(i)] - mean) * (x[at(i)] - mean) / count;
        }
        const double rstd = 1 / std::sqrt(variance + epsilon);
        for (unsigned i = 0; i < count; ++i) {
          sum += dy[at(i)];
          product += dy[at(i)] * (x[at(i)] - mean) * rstd;
        }
        for (unsigned i = 0; i < count; ++i) {
          const double hat = (x[at(i)] - mean) * rstd;
          REQUIRE(std::abs(y[at(i)] - (hat * gamma[c] + beta[c])) < 2e-6 * (1 + rstd));
          const double want = gamma[c] * rstd * (dy[at(i)] - sum / count - hat * product / count);
          REQUIRE(std::abs(dx[at(i)] - want) < 3e-6 * rstd);
        }
        REQUIRE(std::abs(dgamma[c] - product - accumulate) < 3e-6 * (1 + rstd));
        REQUIRE(std::abs(dbeta[c] - sum - accumulate) < 3e-6);
      }
    }
  }
}
