// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace etude::redmule {

/// binary16 bits to float, exactly (NaN payloads are kept in the upper bits).
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t body = half & 0x7fffu;
  if (body >= 0x7c00u) {
    return std::bit_cast<float>(sign | 0x7f800000u | (body & 0x3ffu) << 13);
  }
  if (body >= 0x0400u) {
    return std::bit_cast<float>(sign | ((body << 13) + 0x38000000u));
  }
  const float magnitude = static_cast<float>(body) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// float to binary16 bits, to nearest even; a NaN becomes the canonical 0x7e00.
std::uint16_t float_to_half(float value);

/// A small floating-point format in memory with IEEE rules (top exponent = infinity and NaN):
/// E5M2, E4M3 and bfloat16, as fpnew's cast unit treats them. To binary16, to nearest even.
std::uint16_t small_to_half(std::uint32_t bits, unsigned exponent_bits, unsigned mantissa_bits);
/// The other way, to nearest even, overflow to infinity, NaN to the canonical one.
std::uint32_t half_to_small(std::uint16_t half, unsigned exponent_bits, unsigned mantissa_bits);

}  // namespace etude::redmule
