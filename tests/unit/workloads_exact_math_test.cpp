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

TEST_CASE("powers, sine, cosine and what is accurate near zero agree with the C library") {
  double worst[5] = {0, 0, 0, 0, 0};
  for (int i = -4000; i <= 4000; ++i) {
    const double x = i / 409.6 * 1.0009765625;
    const double size = std::fabs(x) + 1e-9;
    worst[0] = std::max(worst[0], ulps(exact_power(size, x), std::pow(size, x)));
    worst[1] = std::max(worst[1], std::fabs(exact_sin(997 * x) - std::sin(997 * x)) / 0x1p-53);
    worst[2] = std::max(worst[2], std::fabs(exact_cos(997 * x) - std::cos(997 * x)) / 0x1p-53);
    worst[3] = std::max(worst[3], ulps(exact_exp_minus_one(1e-3 * x), std::expm1(1e-3 * x)));
    worst[4] = std::max(worst[4], ulps(exact_log_of_one_and(size * 1e-3), std::log1p(size * 1e-3)));
  }
  CHECK(worst[0] <= 256);  // as many as the exponential's argument has
  CHECK(worst[1] <= 3);
  CHECK(worst[2] <= 3);
  CHECK(worst[3] <= 3);
  CHECK(worst[4] <= 6);
  for (const double x : {-2.0, -0.0, 0.0, 3.0, -std::numeric_limits<double>::infinity()}) {
    for (const double p : {-3.0, -2.0, -0.5, 0.5, 1.0, 2.0, 3.0}) {
      INFO(x << ' ' << p);
      const double want = std::pow(x, p);
      const double got = exact_power(x, p);
      CHECK((std::isnan(want) ? std::isnan(got) : got == Approx(want)));
    }
  }
}

TEST_CASE("values at the ends of the range are the limits") {
  CHECK(exact_log(0) == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(exact_log(-1)));
  CHECK(std::isnan(exact_erf(std::nan(""))));
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
