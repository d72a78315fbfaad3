// SPDX-License-Identifier: Apache-2.0
#include "run/execute/fp32_chains.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

using namespace etude::run;

namespace {

using Compute = void (*)(const Fp32Chains&, float*);

/// One chain.
float chain(Compute compute, const std::vector<float>& x, const std::vector<float>& w,
            unsigned height, float y) {
  float z = 0;
  compute({.x = x.data(),
           .w = w.data(),
           .y = &y,
           .rows = 1,
           .steps = x.size(),
           .columns = 1,
           .height = height},
          &z);
  return z;
}

/// Numbers of all kinds: denormal, huge, infinite, zeros of both signs, now and then not a number.
float any_float(std::mt19937& random) {
  switch (random() % 16) {
    case 0:
      return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    case 1:
      return random() % 2 == 0 ? 0.0f : -0.0f;
    case 2:
      return std::ldexp(1.0f, -140 + static_cast<int>(random() % 280));
    default:
      return static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-30f;
  }
}

}  // namespace

TEST_CASE("a chain rounds at every step, in ascending order", "[check]") {
  // (1 + 2^-24) + 2^-24 = 1 in that order, 1 + 2^-23 in the other
  const float tiny = std::ldexp(1.0f, -24);
  for (const Compute compute : {compute_chains, compute_chains_portable}) {
    CHECK(chain(compute, {1, 1, 1}, {1, tiny, tiny}, 1, 0.0f) == 1.0f);
    CHECK(chain(compute, {1, 1, 1}, {tiny, tiny, 1}, 1, 0.0f) == 1.0f + 2 * tiny);
  }
}

TEST_CASE("a padded reduction turns -0 into +0", "[check]") {
  for (const Compute compute : {compute_chains, compute_chains_portable}) {
    CHECK(std::signbit(chain(compute, {0, 0, 0, 0}, {-1, -1, -1, -1}, 4, -0.0f)));
    CHECK_FALSE(std::signbit(chain(compute, {0, 0, 0}, {-1, -1, -1}, 4, -0.0f)));
  }
}

TEST_CASE("chains by vectors have the bits of those by the C library", "[check]") {
  std::mt19937 random(1);
  for (int turn = 0; turn < 60; ++turn) {
    const std::size_t rows = 1 + random() % 19, steps = random() % 33, columns = 1 + random() % 35;
    std::vector<float> x(rows * steps), w(steps * columns), y(rows * columns);
    for (auto* values : {&x, &w, &y}) {
      for (float& value : *values) {
        value = any_float(random);
      }
    }
    const Fp32Chains chains{x.data(), w.data(), turn % 3 == 0 ? nullptr : y.data(), rows, steps,
                            columns,  4};
    std::vector<float> fast(rows * columns, 1.0f), slow(rows * columns, 2.0f);
    compute_chains(chains, fast.data());
    compute_chains_portable(chains, slow.data());
    for (std::size_t i = 0; i < fast.size(); ++i) {
      CAPTURE(turn, rows, steps, columns, i);
      REQUIRE(std::isnan(fast[i]) == std::isnan(slow[i]));
      REQUIRE((std::isnan(fast[i]) ||
               std::bit_cast<std::uint32_t>(fast[i]) == std::bit_cast<std::uint32_t>(slow[i])));
    }
  }
}
