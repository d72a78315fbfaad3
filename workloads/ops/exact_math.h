// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::ops {

// Elementary functions in float64 from correctly rounded operations only (+ - * / and scaling by
// powers of two), so that every machine gets the same digits. Errors are a few units in the last
// place (tests/unit/workloads_exact_math_test.cpp).

/// e^x.
double exact_exp(double x);
/// Natural logarithm; x > 0.
double exact_log(double x);
/// Error function.
double exact_erf(double x);
/// Hyperbolic tangent (absolute error a few 1e-16).
double exact_tanh(double x);

}  // namespace etude::ops
