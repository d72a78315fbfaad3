// SPDX-License-Identifier: Apache-2.0
#include "models/base/range.h"

#include <charconv>
#include <cmath>

#include "models/base/error.h"

namespace etude {
namespace {

constexpr double kMostUnsigned = 4294967295.0;  // limits of types, not of parameters
constexpr double kNearlyMost64 = 1e19;

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value);
  return {text, end.ptr};
}

}  // namespace

std::string Range::text() const {
  const std::string low = number_text(min);
  const std::string power = power_of_two ? ", a power of two" : "";
  if (!std::isfinite(max) || max == kMostUnsigned || max > kNearlyMost64) {
    return (above_min ? "above " : "at least ") + low + power;
  }
  return (above_min ? "above " + low + " and up to " : "from " + low + " to ") + number_text(max) +
         power;
}

void check_range(const Range& range, double value, const std::string& where) {
  if (!range.holds(value)) {
    throw UserError(
        where,
        number_text(value) + (range.within(value) ? " is no power of two" : " is out of range"),
        "give a number " + range.text());
  }
}

}  // namespace etude
