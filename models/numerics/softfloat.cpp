// SPDX-License-Identifier: Apache-2.0
#include "models/numerics/softfloat.h"

#include "models/numerics/softfloat_convert.h"
#include "models/numerics/softfloat_general.h"

namespace etude::fp {

#if defined(__x86_64__)
const bool detail::kHostFma = __builtin_cpu_supports("fma") != 0;
#endif

using std::int32_t;
using std::uint16_t;
using std::uint32_t;

uint32_t general::f32_add(uint32_t a, uint32_t b, Rounding rm, uint32_t& flags) {
  return add<F32>(a, b, rm, flags);
}
uint32_t general::f32_mul(uint32_t a, uint32_t b, Rounding rm, uint32_t& flags) {
  return mul<F32>(a, b, rm, flags);
}
uint32_t general::f32_fma(uint32_t a, uint32_t b, uint32_t c, Rounding rm, uint32_t& flags) {
  return fma<F32>(a, b, c, rm, flags);
}
uint32_t general::f32_div(uint32_t a, uint32_t b, Rounding rm, uint32_t& flags) {
  return div<F32>(a, b, rm, flags);
}
uint32_t general::f32_sqrt(uint32_t a, Rounding rm, uint32_t& flags) {
  return square_root<F32>(a, rm, flags);
}
uint32_t f32_min(uint32_t a, uint32_t b, uint32_t& flags) {
  return min_max<F32>(a, b, false, flags);
}
uint32_t f32_max(uint32_t a, uint32_t b, uint32_t& flags) {
  return min_max<F32>(a, b, true, flags);
}
bool f32_eq(uint32_t a, uint32_t b, uint32_t& flags) { return equal<F32>(a, b, flags); }
bool f32_lt(uint32_t a, uint32_t b, uint32_t& flags) { return less<F32>(a, b, false, flags); }
bool f32_le(uint32_t a, uint32_t b, uint32_t& flags) { return less<F32>(a, b, true, flags); }
uint32_t f32_classify(uint32_t a) { return classify<F32>(a); }
int32_t f32_to_i32(uint32_t a, Rounding rm, uint32_t& flags) {
  return static_cast<int32_t>(to_integer<F32>(a, kI32Low, kI32High, rm, flags));
}
uint32_t f32_to_u32(uint32_t a, Rounding rm, uint32_t& flags) {
  return static_cast<uint32_t>(to_integer<F32>(a, 0, kU32High, rm, flags));
}
uint32_t i32_to_f32(int32_t a, Rounding rm, uint32_t& flags) {
  return from_integer<F32>(a, rm, flags);
}
uint32_t u32_to_f32(uint32_t a, Rounding rm, uint32_t& flags) {
  return from_integer<F32>(a, rm, flags);
}

uint16_t f16_add(uint16_t a, uint16_t b, Rounding rm, uint32_t& flags) {
  return add<F16>(a, b, rm, flags);
}
uint16_t f16_sub(uint16_t a, uint16_t b, Rounding rm, uint32_t& flags) {
  return add<F16>(a, static_cast<uint16_t>(b ^ 0x8000u), rm, flags);
}
uint16_t f16_mul(uint16_t a, uint16_t b, Rounding rm, uint32_t& flags) {
  return mul<F16>(a, b, rm, flags);
}

namespace {

/// True for a normal number or zero: what is neither needs the general path.
bool is_plain16(uint16_t a) {
  const uint32_t magnitude = a & 0x7fffu;
  return magnitude == 0 || magnitude - 0x0400u < 0x7800u;
}
float widen16(uint16_t a) {
  const uint32_t magnitude = a & 0x7fffu;
  return std::bit_cast<float>(static_cast<uint32_t>(a & 0x8000u) << 16 |
                              (magnitude == 0 ? 0 : (magnitude << 13) + (112u << 23)));
}

}  // namespace

uint16_t f16_fma(uint16_t a, uint16_t b, uint16_t c, Rounding rm, uint32_t& flags) {
  if (rm == Rounding::kRne && is_plain16(a) && is_plain16(b) && is_plain16(c)) {
    // The product has 22 bits and is exact in binary32; the sum's rounding error is exact too
    // (two-sum). Rounded to odd there, the sum is rounded to binary16 as if it were exact.
    const float product = widen16(a) * widen16(b), addend = widen16(c);
    const float sum = product + addend;
    const float back = sum - product;
    const float error = (product - (sum - back)) + (addend - back);
    const uint32_t rounded = std::bit_cast<uint32_t>(sum), missing = std::bit_cast<uint32_t>(error);
    // An even sum that is not exact goes one place up if what is missing has its sign, else down.
    // Without branches: whether a sum is exact or even cannot be foreseen.
    const uint32_t adjust = static_cast<uint32_t>((missing & 0x7fffffffu) != 0) & ~rounded;
    const uint32_t down = (rounded ^ missing) >> 31;
    const uint32_t bits = rounded + (adjust & 1) - 2 * (adjust & down);
    const uint32_t magnitude = bits & 0x7fffffffu, rest = bits & 0x1fffu;
    // from 2^-13, where nothing is tiny, to below 2^15, where nothing overflows
    if (magnitude - (114u << 23) < (28u << 23)) {
      uint32_t half = (magnitude >> 13) - (112u << 10);
      half += static_cast<uint32_t>(rest + (half & 1) > 0x1000u);
      flags |= rest != 0 ? kInexact : 0;
      return static_cast<uint16_t>((bits >> 16 & 0x8000u) | half);
    }
  }
  return fma<F16>(a, b, c, rm, flags);
}
uint16_t f16_div(uint16_t a, uint16_t b, Rounding rm, uint32_t& flags) {
  return div<F16>(a, b, rm, flags);
}
uint16_t f16_sqrt(uint16_t a, Rounding rm, uint32_t& flags) {
  return square_root<F16>(a, rm, flags);
}
uint16_t f16_min(uint16_t a, uint16_t b, uint32_t& flags) {
  return min_max<F16>(a, b, false, flags);
}
uint16_t f16_max(uint16_t a, uint16_t b, uint32_t& flags) {
  return min_max<F16>(a, b, true, flags);
}
bool f16_eq(uint16_t a, uint16_t b, uint32_t& flags) { return equal<F16>(a, b, flags); }
bool f16_lt(uint16_t a, uint16_t b, uint32_t& flags) { return less<F16>(a, b, false, flags); }
bool f16_le(uint16_t a, uint16_t b, uint32_t& flags) { return less<F16>(a, b, true, flags); }
uint32_t f16_classify(uint16_t a) { return classify<F16>(a); }
int32_t f16_to_i32(uint16_t a, Rounding rm, uint32_t& flags) {
  return static_cast<int32_t>(to_integer<F16>(a, kI32Low, kI32High, rm, flags));
}
uint32_t f16_to_u32(uint16_t a, Rounding rm, uint32_t& flags) {
  return static_cast<uint32_t>(to_integer<F16>(a, 0, kU32High, rm, flags));
}
uint16_t i32_to_f16(int32_t a, Rounding rm, uint32_t& flags) {
  return from_integer<F16>(a, rm, flags);
}
uint16_t u32_to_f16(uint32_t a, Rounding rm, uint32_t& flags) {
  return from_integer<F16>(a, rm, flags);
}

uint32_t f16_to_f32(uint16_t a, uint32_t& flags) {
  return convert<F32, F16>(a, Rounding::kRne, flags);
}
uint16_t f32_to_f16(uint32_t a, Rounding rm, uint32_t& flags) {
  return convert<F16, F32>(a, rm, flags);
}

}  // namespace etude::fp
