// SPDX-License-Identifier: Apache-2.0
#include "models/numerics/softfloat.h"

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
uint16_t f16_fma(uint16_t a, uint16_t b, uint16_t c, Rounding rm, uint32_t& flags) {
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
