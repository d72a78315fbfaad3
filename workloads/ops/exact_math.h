// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::ops {

// Elementary functions in float64 from correctly rounded operations only (+ - * / and scaling by
// powers of two), so that every machine gets the same digits. Errors are a few units in the last
// place (tests/unit/workloads_exact_math_test.cpp).

/// e^x.
double exact_exp(double x);
/// Natural logarithm: of zero minus infinity, of negative numbers NaN.
double exact_log(double x);
/// e^x - 1, accurate near zero.
double exact_exp_minus_one(double x);
/// ln(1 + x), x >= 0, accurate near zero.
double exact_log_of_one_and(double x);
/// x^p as pow() of C has it; p finite.
double exact_power(double x, double p);
/// Sine and cosine; |x| < 1e9.
double exact_sin(double x);
double exact_cos(double x);
/// Error function.
double exact_erf(double x);
/// Hyperbolic tangent (absolute error a few 1e-16).
double exact_tanh(double x);

}  // namespace etude::ops
