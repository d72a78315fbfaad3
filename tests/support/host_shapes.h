// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "tests/support/kernel_host.h"

namespace etude::test {

/// Extents of a kernel's matrix, number of workers, and gap behind each row.
struct Shape {
  unsigned rows, cols, workers, gap;
};
inline const Shape kShapes[] = {{1, 1, 1, 0},  {1, 2, 3, 1},  {2, 3, 8, 0},  {3, 5, 2, 2},
                                {5, 7, 16, 1}, {7, 64, 8, 0}, {9, 33, 9, 3}, {64, 129, 8, 1}};

/// max|error| <= tolerance * (max|reference|, or `floor` where differences of larger numbers are
/// taken)
inline void require_close(const std::vector<float>& got, const std::vector<double>& want,
                          double tolerance, double floor = 0) {
  REQUIRE(got.size() == want.size());
  double most = 0, error = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, std::abs(want[i]));
    error = std::max(error, std::abs(got[i] - want[i]));
    REQUIRE(!std::isnan(got[i]));
  }
  INFO("error " << error << " of " << most);
  REQUIRE(error <= tolerance * std::max(most, floor) + 1e-30);
}

/// `n` numbers from -range to range.
inline std::vector<float> spread(Numbers& numbers, std::size_t n, float range) {
  std::vector<float> x = numbers.vector(n);
  for (float& v : x) {
    v *= range;
  }
  return x;
}

}  // namespace etude::test
