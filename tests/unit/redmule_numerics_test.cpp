// SPDX-License-Identifier: Apache-2.0
// RedMulE's arithmetic against exact integers, and its three implementations against each other.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "models/redmule/chain.h"
#include "models/redmule/formats.h"
#include "models/redmule/kernel.h"
#include "models/redmule/redmule_regs.h"

namespace {

using namespace etude;
using redmule::TileOp;
using redmule::TileWork;
using Wide = __int128;

/// A finite binary16 as an integer number of 2^-24.
Wide units(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const Wide mantissa = exponent == 0 ? half & 0x3ff : (half & 0x3ff) | 0x400;
  const Wide value = exponent == 0 ? mantissa : mantissa << (exponent - 1);
  return (half & 0x8000) != 0 ? -value : value;
}

/// x * w + acc of finite binary16 numbers, rounded once to nearest even, in integers of 2^-48.
std::uint16_t exact_fma(std::uint16_t x, std::uint16_t w, std::uint16_t acc) {
  const Wide sum = units(x) * units(w) + (units(acc) << 24);
  if (sum == 0) {
    const bool negative = ((x ^ w) & 0x8000) != 0 && (acc & 0x8000) != 0;
    const bool both_zero = units(x) * units(w) == 0 && units(acc) == 0;
    return both_zero && negative ? 0x8000 : 0;
  }
  const bool negative = sum < 0;
  const Wide magnitude = negative ? -sum : sum;
  int top = 127;
  while ((magnitude >> top & 1) == 0) {
    --top;
  }
  // bit b stands for 2^(b-48); the last kept bit is 2^(top-58) or, for denormals, 2^-24
  const int last = top - 10 > 24 ? top - 10 : 24;
  Wide kept = magnitude >> last;
  const Wide rest = magnitude - (kept << last);
  const Wide half = Wide{1} << (last - 1);
  if (rest > half || (rest == half && (kept & 1) != 0)) {
    ++kept;
  }
  int exponent = last - 24;  // kept * 2^exponent units
  if (kept == 0x800) {
    kept = 0x400;
    ++exponent;
  }
  std::uint32_t bits = 0;
  if (kept < 0x400) {
    bits = static_cast<std::uint32_t>(kept);
  } else if (exponent + 1 >= 31) {
    bits = 0x7c00;
  } else {
    bits = static_cast<std::uint32_t>((exponent + 1) << 10 | (static_cast<int>(kept) & 0x3ff));
  }
  return static_cast<std::uint16_t>((negative ? 0x8000u : 0u) | bits);
}

std::uint16_t model_fma(std::uint16_t x, std::uint16_t w, std::uint16_t acc, bool vectors) {
  float xs[1] = {redmule::half_to_float(x)};
  float ws[8], as[8];
  std::fill_n(ws, 8, redmule::half_to_float(w));
  std::fill_n(as, 8, redmule::half_to_float(acc));
  redmule::tile_kernel(TileOp::kFma, false, vectors)(
      {.rows = 1, .columns = 8, .steps = 1, .x = xs, .x_stride = 1, .w = ws, .acc = as});
  return redmule::float_to_half(as[3]);
}

/// Finite halves of every magnitude, with many ties and cancellations.
std::uint16_t draw_half(std::mt19937& random) {
  const auto r = static_cast<std::uint16_t>(random());
  switch (random() % 4) {
    case 0:
      return static_cast<std::uint16_t>(r & 0x83ffu);  // denormal
    case 1:
      return static_cast<std::uint16_t>((r & 0x8000u) | (random() % 31) << 10);  // power of two
    default:
      return (r & 0x7c00u) == 0x7c00u ? static_cast<std::uint16_t>(r & 0x83ffu) : r;
  }
}

TEST_CASE("The fused multiply-add of fp16 rounds once", "[redmule]") {
  // 1 + 2^-11 * (1 + 2^-10) lies just above a tie: a sum rounded to float and then to half is wrong
  CHECK(exact_fma(0x1000, 0x3c01, 0x3c00) == 0x3c01);
  std::mt19937 random(7);
  const bool vectors = redmule::host_has_vectors();
  for (int i = 0; i < 400'000; ++i) {
    const std::uint16_t x = draw_half(random), w = draw_half(random), a = draw_half(random);
    const std::uint16_t expected = exact_fma(x, w, a);
    const std::uint16_t scalar = model_fma(x, w, a, false);
    const std::uint16_t vector = vectors ? model_fma(x, w, a, true) : expected;
    if (scalar != expected || vector != expected) {
      FAIL("fma(" << x << ", " << w << ", " << a << ") = " << expected << ", scalar " << scalar
                  << ", vector " << vector);
    }
  }
}

TEST_CASE("The chain replay agrees with exact integers, vectorised or not", "[redmule]") {
  std::mt19937 random(8);
  RedmuleConfig config;
  constexpr std::uint32_t kK = 1024;
  RedmuleJob job;
  job.m = 1;
  job.n = 4;
  job.k = kK;
  job.op = ETUDE_REDMULE_OP_GEMM;
  job.format = ETUDE_REDMULE_FMT_FP16;
  for (int round = 0; round < 100; ++round) {
    std::vector<std::uint16_t> x(4), w(4 * kK), y(kK), z(kK), portable(kK);
    for (auto* v : {&x, &w, &y}) {
      for (std::uint16_t& e : *v) {
        e = draw_half(random);
      }
    }
    const auto bytes = [](auto& v) { return reinterpret_cast<std::uint8_t*>(v.data()); };
    replay_chain(job, config, {bytes(x), bytes(w), bytes(y)}, bytes(z));
    replay_chain_portable(job, config, {bytes(x), bytes(w), bytes(y)}, bytes(portable));
    CHECK(z == portable);
    for (std::uint32_t k = 0; k < kK; ++k) {
      std::uint16_t acc = y[k];
      bool finite = true;
      for (std::uint32_t n = 0; n < 4 && finite; ++n) {
        acc = exact_fma(x[n], w[n * kK + k], acc);
        finite = (acc & 0x7c00u) != 0x7c00u;
      }
      if (finite && z[k] != acc) {
        FAIL("column " << k << ": " << z[k] << " instead of " << acc);
      }
    }
  }
}

TEST_CASE("Padding steps turn -0 into +0, NaN is canonical, infinities stay", "[redmule]") {
  RedmuleConfig config;
  RedmuleJob job;
  job.m = job.n = job.k = 1;  // one step, three of padding
  job.op = ETUDE_REDMULE_OP_GEMM;
  job.format = ETUDE_REDMULE_FMT_FP16;
  const auto one = [&](std::uint16_t x, std::uint16_t w, std::uint16_t y) {
    std::uint16_t z = 0;
    replay_chain(job, config,
                 {reinterpret_cast<std::uint8_t*>(&x), reinterpret_cast<std::uint8_t*>(&w),
                  reinterpret_cast<std::uint8_t*>(&y)},
                 reinterpret_cast<std::uint8_t*>(&z));
    return z;
  };
  CHECK(one(0x8000, 0x3c00, 0x8000) == 0x0000);  // -0 * 1 + -0 = -0, then fma(0, 0, -0) = +0
  CHECK(one(0x7c00, 0x0000, 0x3c00) == 0x7e00);  // inf * 0
  CHECK(one(0x7bff, 0x7bff, 0x0000) == 0x7c00);  // overflow
  CHECK(one(0xfd01, 0x3c00, 0x3c00) == 0x7e00);  // a NaN with payload
  job.op = ETUDE_REDMULE_OP_MATMUL;
  CHECK(one(0x3c00, 0x4000, 0x4400) == 0x4000);  // Y does not count: 1 * 2
}

TEST_CASE("Vector and portable kernels give equal bits in every block size", "[redmule]") {
  if (!redmule::host_has_vectors()) {
    return;
  }
  std::mt19937 random(9);
  for (const bool fp32 : {false, true}) {
    for (unsigned rows = 1; rows <= 13; ++rows) {
      for (const unsigned columns : {8u, 16u, 24u, 32u}) {
        const std::uint32_t steps = 1 + random() % 40;
        std::vector<float> x(rows * steps), w(steps * columns), a(rows * columns);
        for (auto* v : {&x, &w, &a}) {
          for (float& e : *v) {
            e = fp32
                    ? std::ldexp(static_cast<float>(static_cast<int>(random() % 2000001) - 1000000),
                                 static_cast<int>(random() % 40) - 20)
                    : redmule::half_to_float(static_cast<std::uint16_t>(random()));
          }
        }
        std::vector<float> b = a;
        TileWork work{.rows = rows,
                      .columns = columns,
                      .steps = steps,
                      .x = x.data(),
                      .x_stride = steps,
                      .w = w.data(),
                      .acc = a.data()};
        redmule::tile_kernel(TileOp::kFma, fp32, false)(work);
        work.acc = b.data();
        redmule::tile_kernel(TileOp::kFma, fp32, true)(work);
        for (std::size_t i = 0; i < a.size(); ++i) {
          const bool same = std::isnan(a[i]) ? std::isnan(b[i]) : std::memcmp(&a[i], &b[i], 4) == 0;
          if (!same) {
            FAIL("fp32 " << fp32 << ", " << rows << " x " << columns << ": " << a[i] << " and "
                         << b[i]);
          }
        }
      }
    }
  }
}

TEST_CASE("Casts of the 8-bit formats and bfloat16", "[redmule]") {
  // E5M2 is binary16 without its last eight bits: every value is exact there
  for (unsigned bits = 0; bits < 256; ++bits) {
    const std::uint16_t half = redmule::small_to_half(bits, 5, 2);
    const bool nan = (bits & 0x7fu) > 0x7cu;
    CHECK(half == (nan ? 0x7e00u : bits << 8));
    CHECK(redmule::half_to_small(half, 5, 2) == (nan ? 0x7eu : bits));
    if ((bits & 0x7fu) <= 0x78u) {  // E4M3 with infinity at exponent 15
      CHECK(redmule::half_to_small(redmule::small_to_half(bits, 4, 3), 4, 3) == bits);
    }
  }
  CHECK(redmule::small_to_half(0x38, 4, 3) == 0x3c00);    // 1.0: exponent 7 is the bias
  CHECK(redmule::small_to_half(0x01, 4, 3) == 0x1800);    // 2^-9, the smallest
  CHECK(redmule::half_to_small(0x5bff, 4, 3) == 0x78);    // 255.9 is beyond 240 + 8: infinity
  CHECK(redmule::half_to_small(0x3c40, 5, 2) == 0x3c);    // 1.0625 is nearer to 1 than to 1.25
  CHECK(redmule::half_to_small(0x3c80, 5, 2) == 0x3c);    // 1.125: tie, to the even 1.0
  CHECK(redmule::half_to_small(0x3d80, 5, 2) == 0x3e);    // 1.375: tie, to the even 1.5
  CHECK(redmule::small_to_half(0x3f80, 8, 7) == 0x3c00);  // bfloat16 1.0
  CHECK(redmule::small_to_half(0x7f00, 8, 7) == 0x7c00);  // 2^127 is infinite in binary16
  CHECK(redmule::half_to_small(0x3c01, 8, 7) == 0x3f80);  // 1 + 2^-10 rounds to 1
}

TEST_CASE("Minimum and maximum follow RISC-V in the GEMM-like operations", "[redmule]") {
  const auto run = [](TileOp op, float x, float w, float acc) {
    float ws[8], as[8];
    std::fill_n(ws, 8, w);
    std::fill_n(as, 8, acc);
    redmule::tile_kernel(op, false, true)(
        {.rows = 1, .columns = 8, .steps = 1, .x = &x, .x_stride = 1, .w = ws, .acc = as});
    return as[0];
  };
  const float nan = std::nanf("");
  CHECK(run(TileOp::kAddMax, 1.0f, 2.0f, 2.5f) == 3.0f);
  CHECK(run(TileOp::kAddMin, 1.0f, 2.0f, 2.5f) == 2.5f);
  CHECK(run(TileOp::kMulMax, 3.0f, 2.0f, 7.0f) == 7.0f);
  CHECK(run(TileOp::kMulMin, 3.0f, 2.0f, 7.0f) == 6.0f);
  CHECK(run(TileOp::kMaxMin, 1.0f, 2.0f, 1.5f) == 1.5f);
  CHECK(run(TileOp::kMinMax, 1.0f, 2.0f, 1.5f) == 1.5f);
  CHECK(run(TileOp::kAddMax, nan, 2.0f, 2.5f) == 2.5f);
  CHECK_FALSE(std::signbit(run(TileOp::kMulMax, 0.0f, 1.0f, -0.0f)));  // +0 is above -0
  CHECK(std::signbit(run(TileOp::kMulMin, -0.0f, 1.0f, 0.0f)));
}

}  // namespace
