// SPDX-License-Identifier: Apache-2.0
#include "workloads/codecs/half.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace etude {
namespace {
constexpr int kFractionBits = 10;
constexpr int kBias = 15;
constexpr std::uint16_t kInfinity = 0x7C00;
constexpr std::uint16_t kQuietNan = 0x7E00;
}  // namespace

std::uint16_t half_bits(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double magnitude = std::abs(static_cast<double>(value));
  if (std::isnan(value)) {
    return sign | kQuietNan;
  }
  if (std::isinf(value)) {
    return sign | kInfinity;
  }
  if (magnitude == 0) {
    return sign;
  }
  // In units of the last place, which stays the same below the smallest normal number. The sum
  // carries into the exponent where rounding reaches the next power of two.
  const int exponent = std::max(std::ilogb(magnitude), 1 - kBias);
  const auto units =
      static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, kFractionBits - exponent)));
  const std::uint32_t bits =
      (static_cast<std::uint32_t>(exponent + kBias - 1) << kFractionBits) + units;
  return bits >= kInfinity ? sign | kInfinity : static_cast<std::uint16_t>(sign | bits);
}

float half_value(std::uint16_t bits) {
  const int exponent = (bits >> kFractionBits) & 0x1F;
  const int fraction = bits & 0x3FF;
  float magnitude = 0;
  if (exponent == 0x1F) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), 1 - kBias - kFractionBits);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + (1 << kFractionBits)),
                           exponent - kBias - kFractionBits);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace etude
