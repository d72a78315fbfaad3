// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace etude {

/// The values that a parameter may have. Declared once, beside the member of its config struct:
/// the configuration's check, its documentation and the model's own check read it there.
struct Range {
  double min = 0;
  bool above_min = false;  ///< `min` itself is not allowed
  double max = std::numeric_limits<double>::infinity();
  bool power_of_two = false;  ///< integers only

  /// True if `value` is between the limits.
  constexpr bool within(double value) const {
    return (above_min ? value > min : value >= min) && value <= max;
  }
  /// True if `value` is allowed.
  constexpr bool holds(double value) const {
    return within(value) && (!power_of_two || is_power_of_two(value));
  }
  /// The limits in words: "from 1 to 64, a power of two", "above 0 and up to 5", "at least 1".
  std::string text() const;

  /// 1, 2, 4 ...
  static constexpr bool is_power_of_two(double value) {
    const auto whole = static_cast<std::uint64_t>(value);
    return static_cast<double>(whole) == value && whole != 0 && (whole & (whole - 1)) == 0;
  }
};

/// Throws UserError beginning with `where` unless `range` holds `value`.
void check_range(const Range& range, double value, const std::string& where);

}  // namespace etude
