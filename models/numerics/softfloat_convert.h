// SPDX-License-Identifier: Apache-2.0
// Conversions between formats and from and to integers, the general path; included
// by softfloat.cpp alone.
#pragma once

#include "models/numerics/softfloat_general.h"

namespace etude::fp {
namespace {

/// To an integer in [low, high]; NaN gives high.
template <class F>
std::int64_t to_integer(Bits<F> a, std::int64_t low, std::int64_t high, Rounding rm,
                        std::uint32_t& flags) {
  const bool sign = sign_of<F>(a);
  if (is_nan<F>(a) || is_infinite<F>(a)) {
    flags |= kInvalid;
    return sign && !is_nan<F>(a) ? low : high;
  }
  if (is_zero<F>(a)) {
    return 0;
  }
  const Number x = unpack<F>(a);
  if (x.exponent > 32) {
    flags |= kInvalid;
    return sign ? low : high;
  }
  // 32 fraction bits: |x| < 2^24 * 2^32 needs 56 bits above the point at most, of which 33 count.
  const int up = x.exponent + 7;
  const U64 fixed = up >= 0 ? x.significand << up : shift_right_jam(x.significand, -up);
  constexpr U64 kHalf = 64;  // 7 fraction bits, the lowest one sticky
  U64 whole = fixed >> 7;
  const U64 rest = fixed & 127u;
  if (rounds_up(rm, sign, (whole & 1u) != 0, rest, kHalf)) {
    ++whole;
  }
  const std::int64_t value =
      sign ? -static_cast<std::int64_t>(whole) : static_cast<std::int64_t>(whole);
  if (value < low || value > high) {
    flags |= kInvalid;
    return sign ? low : high;
  }
  flags |= rest != 0 ? kInexact : 0u;
  return value;
}

template <class F>
Bits<F> from_integer(std::int64_t value, Rounding rm, std::uint32_t& flags) {
  if (value == 0) {
    return 0;
  }
  const bool sign = value < 0;
  return round_pack<F>(sign, 0, sign ? U64{0} - static_cast<U64>(value) : static_cast<U64>(value),
                       rm, flags);
}

template <class To, class From>
Bits<To> convert(Bits<From> a, Rounding rm, std::uint32_t& flags) {
  if (is_nan<From>(a)) {
    return propagate<To>(is_signalling<From>(a), flags);
  }
  const bool sign = sign_of<From>(a);
  if (is_infinite<From>(a)) {
    return with_sign<To>(sign, To::kInfinity);
  }
  if (is_zero<From>(a)) {
    return with_sign<To>(sign, 0);
  }
  const Number x = unpack<From>(a);
  return round_pack<To>(sign, x.exponent, x.significand, rm, flags);
}

constexpr std::int64_t kI32Low = -(std::int64_t{1} << 31);
constexpr std::int64_t kI32High = (std::int64_t{1} << 31) - 1;
constexpr std::int64_t kU32High = (std::int64_t{1} << 32) - 1;

}  // namespace
}  // namespace etude::fp
