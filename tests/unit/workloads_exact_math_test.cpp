// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "workloads/ops/exact_math.h"

namespace etude::ops {
namespace {

/// Distance in units of the last place of the expected value.
double ulps(double got, double expected) {
  const double spacing = std::nextafter(std::fabs(expected), 1e300) - std::fabs(expected);
  return std::fabs(got - expected) / spacing;
}

TEST_CASE("exp, log, erf and tanh agree with the C library to a few units in the last place") {
  double worst[4] = {0, 0, 0, 0};
  for (int i = -40000; i <= 40000; ++i) {
    const double x = i / 4096.0 * 1.0009765625;
    worst[0] = std::max(worst[0], ulps(exact_exp(10 * x), std::exp(10 * x)));
    worst[1] =
        std::max(worst[1], i == 0 ? 0 : ulps(exact_log(std::fabs(x)), std::log(std::fabs(x))));
    worst[2] = std::max(worst[2], ulps(exact_erf(x), std::erf(x)));
    worst[3] = std::max(worst[3], std::fabs(exact_tanh(x) - std::tanh(x)) / 0x1p-53);
  }
  CHECK(worst[0] <= 2);
  CHECK(worst[1] <= 3);
  CHECK(worst[2] <= 16);
  CHECK(worst[3] <= 3);
}

TEST_CASE("values at the ends of the range are the limits") {
  CHECK(exact_exp(0) == 1);
  CHECK(exact_exp(-800) == 0);
  CHECK(exact_exp(800) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(exact_exp(std::nan(""))));
  CHECK(exact_log(1) == 0);
  CHECK(exact_erf(7) == 1);
  CHECK(exact_erf(-7) == -1);
  CHECK(exact_tanh(30) == 1);
}

}  // namespace
}  // namespace etude::ops
