// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/exact_math.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace etude::ops {

namespace {
// ln 2 in two parts: the high one has 32 significant bits, so that k * kLn2High is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;
constexpr double kTwoOverSqrtPi = 0x1.20dd750429b6dp+0;
}  // namespace

double exact_exp(double x) {
  if (x != x || x > 710) {
    return x != x ? x : std::numeric_limits<double>::infinity();
  }
  if (x < -746) {
    return 0;
  }
  const double k = std::floor(x * kLog2E + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;  // |r| <= 0.35
  double sum = 0;
  for (int n = 14; n >= 1; --n) {  // Horner's form of the Taylor series; 0.35^15 / 15! < 2^-63
    sum = (1 + sum) * r / n;
  }
  return std::ldexp(1 + sum, static_cast<int>(k));
}

double exact_exp_minus_one(double x) {
  if (!(x > -0.35 && x < 0.35)) {
    return exact_exp(x) - 1;
  }
  double sum = 0;
  for (int n = 14; n >= 1; --n) {
    sum = (1 + sum) * x / n;
  }
  return sum;
}

double exact_log(double x) {
  if (!(x > 0 && x <= std::numeric_limits<double>::max())) {
    return x == 0  ? -std::numeric_limits<double>::infinity()
           : x > 0 ? x
                   : std::numeric_limits<double>::quiet_NaN();
  }
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0x1.6a09e667f3bcdp-1) {  // sqrt(1/2)
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);  // log m = 2 artanh s, |s| <= 0.172
  const double square = s * s;
  double sum = 0;
  for (int n = 25; n >= 3; n -= 2) {
    sum = (sum + 1.0 / n) * square;
  }
  const double k = exponent;
  return k * kLn2High + (k * kLn2Low + 2 * s * sum + 2 * s);
}

double exact_log_of_one_and(double x) {
  const double u = 1 + x;  // Goldberg 1991, theorem 4
  return u == 1 ? x : exact_log(u) * (x / (u - 1));
}

double exact_power(double x, double p) {
  const double size = x < 0 ? -x : x;
  const bool whole = std::floor(p) == p;
  if (p == 0) {
    return 1;
  }
  if (x != x || (x < 0 && !whole && size <= std::numeric_limits<double>::max())) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const bool odd = whole && std::floor(p / 2) * 2 != p;
  const double result = size == 0 ? (p > 0 ? 0 : std::numeric_limits<double>::infinity())
                                  : exact_exp(p * exact_log(size));
  return odd && std::signbit(x) ? -result : result;
}

namespace {

/// The sine `turn` quarters further on: x less a multiple of pi/2 in three parts (Cody and Waite
/// 1980), then Taylor series.
double turned_sine(double x, unsigned turn) {
  const double n = std::floor(x * 0x1.45f306dc9c883p-1 + 0.5);
  double r = std::fma(-n, 0x1.921fb54442d18p+0, x);
  r = std::fma(-n, 0x1.1a62633145c07p-54, r);
  r = std::fma(-n, -0x1.f1976b7ed8fbcp-110, r);
  const auto quarter = static_cast<unsigned>(static_cast<std::int64_t>(n)) + turn;
  const double square = r * r;
  const bool cosine = (quarter & 1U) != 0;
  double sum = 0;
  for (int k = cosine ? 22 : 23; k >= 2; k -= 2) {
    sum = -square / (k * (k - 1)) * (1 + sum);
  }
  const double result = cosine ? 1 + sum : r + r * sum;
  return (quarter & 2U) != 0 ? -result : result;
}

}  // namespace

double exact_sin(double x) {
  return std::fabs(x) < 1e9 ? turned_sine(x, 0) : std::numeric_limits<double>::quiet_NaN();
}

double exact_cos(double x) {
  return std::fabs(x) < 1e9 ? turned_sine(x, 1) : std::numeric_limits<double>::quiet_NaN();
}

double exact_erf(double x) {
  if (x != x) {
    return x;
  }
  const double a = x < 0 ? -x : x;
  double result = 1;
  if (a <= 3) {  // erf = 2/sqrt(pi) e^-x^2 (x + 2x^3/3 + 4x^5/15 + ...): no term is negative
    double term = a;
    double sum = a;
    for (int n = 1; term > sum * 0x1p-60; ++n) {
      term = term * 2 * a * a / (2 * n + 1);
      sum += term;
    }
    result = kTwoOverSqrtPi * exact_exp(-a * a) * sum;
  } else if (a < 6) {  // 1 - erfc by its continued fraction, from the end
    double fraction = a;
    for (int n = 60; n >= 1; --n) {
      fraction = a + 0.5 * n / fraction;
    }
    result = 1 - 0.5 * kTwoOverSqrtPi * exact_exp(-a * a) / fraction;
  }
  return x < 0 ? -result : result;
}

double exact_tanh(double x) {
  const double a = x < 0 ? -x : x;
  const double result = a > 20 ? 1 : 1 - 2 / (exact_exp(2 * a) + 1);
  return x < 0 ? -result : result;
}

}  // namespace etude::ops
