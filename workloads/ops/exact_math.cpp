// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/exact_math.h"

#include <cmath>
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

double exact_log(double x) {
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

double exact_erf(double x) {
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
