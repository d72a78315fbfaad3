// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/formats.h"

namespace etude::redmule {
namespace {

/// Rounds the finite magnitude `value` (float bits without sign) to a format with the given field
/// widths, to nearest even; returns the bits of the magnitude.
std::uint32_t round_magnitude(std::uint32_t value, unsigned exponent_bits, unsigned mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const std::uint32_t infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  const int exponent = static_cast<int>(value >> 23) - 127;
  const std::uint32_t fraction =
      (value >> 23) == 0 ? (value & 0x7fffffu) : (value & 0x7fffffu) | 0x800000u;
  int scale = (value >> 23) == 0 ? -126 : exponent;  // value = fraction * 2^(scale - 23)
  unsigned shift = 23 - mantissa_bits;
  std::uint32_t base = 0;
  if (scale >= 1 - bias) {
    base = static_cast<std::uint32_t>(scale + bias - 1) << mantissa_bits;
  } else {
    shift += static_cast<unsigned>(1 - bias - scale);
  }
  if (shift > 31) {
    return 0;
  }
  const std::uint32_t kept = fraction >> shift;
  const std::uint32_t rest = fraction & ((1u << shift) - 1);
  const std::uint32_t half = shift == 0 ? 0 : 1u << (shift - 1);
  const bool up = shift != 0 && (rest > half || (rest == half && (kept & 1u) != 0));
  const std::uint64_t bits = std::uint64_t{base} + kept + up;
  return bits >= infinity ? infinity : static_cast<std::uint32_t>(bits);
}

}  // namespace

std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  if (magnitude > 0x7f800000u) {
    return 0x7e00u;
  }
  if (magnitude == 0x7f800000u) {
    return static_cast<std::uint16_t>(sign | 0x7c00u);
  }
  return static_cast<std::uint16_t>(sign | round_magnitude(magnitude, 5, 10));
}

std::uint16_t small_to_half(std::uint32_t bits, unsigned exponent_bits, unsigned mantissa_bits) {
  const std::uint32_t sign_bit = 1u << (exponent_bits + mantissa_bits);
  const std::uint32_t magnitude = bits & (sign_bit - 1);
  const std::uint32_t top = ((1u << exponent_bits) - 1) << mantissa_bits;
  const std::uint16_t sign = (bits & sign_bit) != 0 ? 0x8000u : 0u;
  if (magnitude > top) {
    return 0x7e00u;
  }
  if (magnitude == top) {
    return static_cast<std::uint16_t>(sign | 0x7c00u);
  }
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const std::uint32_t exponent = magnitude >> mantissa_bits;
  const std::uint32_t mantissa = magnitude & ((1u << mantissa_bits) - 1);
  float value = static_cast<float>(exponent == 0 ? mantissa : mantissa | 1u << mantissa_bits);
  int scale =
      static_cast<int>(exponent == 0 ? 1 : exponent) - bias - static_cast<int>(mantissa_bits);
  for (; scale > 0; --scale) {
    value *= 2.0f;
  }
  for (; scale < 0; ++scale) {
    value *= 0.5f;
  }
  return static_cast<std::uint16_t>(sign | float_to_half(value));
}

std::uint32_t half_to_small(std::uint16_t half, unsigned exponent_bits, unsigned mantissa_bits) {
  const std::uint32_t sign = (half & 0x8000u) != 0 ? 1u << (exponent_bits + mantissa_bits) : 0u;
  const std::uint32_t top = ((1u << exponent_bits) - 1) << mantissa_bits;
  if ((half & 0x7fffu) > 0x7c00u) {
    return top | 1u << (mantissa_bits - 1);
  }
  if ((half & 0x7fffu) == 0x7c00u) {
    return sign | top;
  }
  const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(half_to_float(half & 0x7fffu));
  return sign | round_magnitude(magnitude, exponent_bits, mantissa_bits);
}

}  // namespace etude::redmule
