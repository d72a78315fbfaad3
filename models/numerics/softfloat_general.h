// SPDX-License-Identifier: Apache-2.0
// The general path in integer arithmetic, for any format; included by softfloat.cpp alone.
#pragma once

#include <utility>

#include "models/numerics/softfloat.h"

namespace etude::fp {
namespace {

using U64 = std::uint64_t;
__extension__ using U128 = unsigned __int128;

/// The two formats: storage, width of the fraction, width of the exponent.
template <class BitsT, int kFractionBitsT, int kExponentBitsT>
struct Format {
  using Bits = BitsT;
  static constexpr int kFractionBits = kFractionBitsT;
  static constexpr int kPrecision = kFractionBitsT + 1;
  static constexpr int kMaxExponent = (1 << kExponentBitsT) - 1;  // biased: infinity and NaN
  static constexpr int kBias = kMaxExponent / 2;
  static constexpr int kSignShift = kFractionBitsT + kExponentBitsT;
  static constexpr Bits kFractionMask = static_cast<Bits>((1u << kFractionBitsT) - 1);
  static constexpr Bits kInfinity = static_cast<Bits>(kMaxExponent << kFractionBitsT);
  static constexpr Bits kQuiet = static_cast<Bits>(1u << (kFractionBitsT - 1));
  static constexpr Bits kNan = static_cast<Bits>(kInfinity | kQuiet);
};
using F32 = Format<std::uint32_t, 23, 8>;
using F16 = Format<std::uint16_t, 10, 5>;

template <class F>
using Bits = typename F::Bits;

template <class F>
bool sign_of(Bits<F> a) {
  return ((a >> F::kSignShift) & 1u) != 0;
}
template <class F>
Bits<F> magnitude(Bits<F> a) {
  return static_cast<Bits<F>>(a & ((Bits<F>{1} << F::kSignShift) - 1u));
}
template <class F>
Bits<F> with_sign(bool sign, Bits<F> magnitude_bits) {
  return static_cast<Bits<F>>((static_cast<Bits<F>>(sign) << F::kSignShift) | magnitude_bits);
}
template <class F>
bool is_nan(Bits<F> a) {
  return magnitude<F>(a) > F::kInfinity;
}
template <class F>
bool is_signalling(Bits<F> a) {
  return is_nan<F>(a) && (a & F::kQuiet) == 0;
}
template <class F>
bool is_infinite(Bits<F> a) {
  return magnitude<F>(a) == F::kInfinity;
}
template <class F>
bool is_zero(Bits<F> a) {
  return magnitude<F>(a) == 0;
}

/// A finite number other than zero: significand * 2^exponent.
struct Number {
  U64 significand;
  int exponent;
};

template <class F>
Number unpack(Bits<F> a) {
  const int biased = static_cast<int>(magnitude<F>(a) >> F::kFractionBits);
  const U64 fraction = a & F::kFractionMask;
  return biased == 0 ? Number{fraction, 1 - F::kBias - F::kFractionBits}
                     : Number{fraction | (U64{1} << F::kFractionBits),
                              biased - F::kBias - F::kFractionBits};
}

/// Shift right; what falls out is kept as a sticky lowest bit.
template <class U>
U shift_right_jam(U value, int count) {
  constexpr int kWidth = static_cast<int>(sizeof(U) * 8);
  if (count <= 0) {
    return value;
  }
  if (count >= kWidth) {
    return value != 0 ? U{1} : U{0};
  }
  return (value >> count) | static_cast<U>((value & ((U{1} << count) - 1)) != 0 ? 1 : 0);
}

/// Whether a value that lies `rest` above `kept` (of `half * 2` to the next one) is rounded up.
bool rounds_up(Rounding rm, bool sign, bool odd, U64 rest, U64 half) {
  switch (rm) {
    case Rounding::kRne:
      return rest > half || (rest == half && odd);
    case Rounding::kRtz:
      return false;
    case Rounding::kRdn:
      return sign && rest != 0;
    case Rounding::kRup:
      return !sign && rest != 0;
    case Rounding::kRmm:
      return rest >= half;
  }
  return false;
}

/// Round significand * 2^exponent (not zero; lowest bit may be sticky, at least two bits below the
/// precision) to the format.
template <class F>
Bits<F> round_pack(bool sign, int exponent, U64 significand, Rounding rm, std::uint32_t& flags) {
  const int shift = std::countl_zero(significand);
  significand <<= shift;
  int biased = exponent - shift + 63 + F::kBias;
  constexpr int kDrop = 64 - F::kPrecision;
  constexpr U64 kHalf = U64{1} << (kDrop - 1);
  constexpr U64 kRest = (U64{1} << kDrop) - 1;

  bool tiny = false;
  if (biased < 1) {
    // Tininess is judged after rounding to full precision with unbounded exponent.
    const U64 kept = significand >> kDrop;
    const bool carry = kept == (U64{1} << F::kPrecision) - 1 &&
                       rounds_up(rm, sign, true, significand & kRest, kHalf);
    tiny = biased < 0 || !carry;
    significand = shift_right_jam(significand, 1 - biased);
    biased = 0;
  }
  const U64 rest = significand & kRest;
  U64 kept = significand >> kDrop;
  if (rounds_up(rm, sign, (kept & 1u) != 0, rest, kHalf)) {
    ++kept;
  }
  if (rest != 0) {
    flags |= kInexact | (tiny ? kUnderflow : 0u);
  }
  // A carry out of the fraction increments the exponent field by itself (denormal to normal too).
  const U64 packed = biased == 0 ? kept : (static_cast<U64>(biased - 1) << F::kFractionBits) + kept;
  if (packed >= F::kInfinity) {
    flags |= kOverflow | kInexact;
    const bool to_infinity = rm == Rounding::kRne || rm == Rounding::kRmm ||
                             (rm == Rounding::kRdn && sign) || (rm == Rounding::kRup && !sign);
    return with_sign<F>(sign, static_cast<Bits<F>>(to_infinity ? F::kInfinity : F::kInfinity - 1));
  }
  return with_sign<F>(sign, static_cast<Bits<F>>(packed));
}

/// The canonical NaN, with invalid if an operand signals.
template <class F>
Bits<F> propagate(bool signalling, std::uint32_t& flags) {
  if (signalling) {
    flags |= kInvalid;
  }
  return F::kNan;
}
template <class F>
Bits<F> invalid(std::uint32_t& flags) {
  flags |= kInvalid;
  return F::kNan;
}

/// Sum of two numbers given as 128-bit significands (below 2^64 on entry) and exponents, rounded.
template <class F>
Bits<F> add_round(bool sign_a, Number a, bool sign_b, Number b, Rounding rm, std::uint32_t& flags) {
  // Left-align both below bit 126: room for the carry, and at least 60 guard bits.
  auto align = [](Number n) {
    const int shift = std::countl_zero(n.significand) + 62;
    return std::pair<U128, int>{static_cast<U128>(n.significand) << shift, n.exponent - shift};
  };
  auto [wide_a, exponent_a] = align(a);
  auto [wide_b, exponent_b] = align(b);
  if (exponent_a < exponent_b) {
    wide_a = shift_right_jam(wide_a, exponent_b - exponent_a);
    exponent_a = exponent_b;
  } else {
    wide_b = shift_right_jam(wide_b, exponent_a - exponent_b);
  }
  bool sign = sign_a;
  U128 sum;
  if (sign_a == sign_b) {
    sum = wide_a + wide_b;
  } else if (wide_a > wide_b) {
    sum = wide_a - wide_b;
  } else if (wide_b > wide_a) {
    sum = wide_b - wide_a;
    sign = sign_b;
  } else {
    return with_sign<F>(rm == Rounding::kRdn, 0);  // exact cancellation
  }
  const U64 high = static_cast<U64>(sum >> 64);
  const int lead =
      high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<U64>(sum));
  sum <<= lead;
  const U64 jammed = static_cast<U64>(shift_right_jam(sum, 64));
  return round_pack<F>(sign, exponent_a - lead + 64, jammed, rm, flags);
}

template <class F>
Bits<F> add(Bits<F> a, Bits<F> b, Rounding rm, std::uint32_t& flags) {
  if (is_nan<F>(a) || is_nan<F>(b)) {
    return propagate<F>(is_signalling<F>(a) || is_signalling<F>(b), flags);
  }
  const bool sign_a = sign_of<F>(a);
  const bool sign_b = sign_of<F>(b);
  if (is_infinite<F>(a)) {
    return is_infinite<F>(b) && sign_a != sign_b ? invalid<F>(flags) : a;
  }
  if (is_infinite<F>(b)) {
    return b;
  }
  if (is_zero<F>(a)) {
    return is_zero<F>(b) && sign_a != sign_b ? with_sign<F>(rm == Rounding::kRdn, 0) : b;
  }
  if (is_zero<F>(b)) {
    return a;
  }
  return add_round<F>(sign_a, unpack<F>(a), sign_b, unpack<F>(b), rm, flags);
}

template <class F>
Bits<F> mul(Bits<F> a, Bits<F> b, Rounding rm, std::uint32_t& flags) {
  if (is_nan<F>(a) || is_nan<F>(b)) {
    return propagate<F>(is_signalling<F>(a) || is_signalling<F>(b), flags);
  }
  const bool sign = sign_of<F>(a) != sign_of<F>(b);
  if (is_infinite<F>(a) || is_infinite<F>(b)) {
    return is_zero<F>(a) || is_zero<F>(b) ? invalid<F>(flags) : with_sign<F>(sign, F::kInfinity);
  }
  if (is_zero<F>(a) || is_zero<F>(b)) {
    return with_sign<F>(sign, 0);
  }
  const Number x = unpack<F>(a);
  const Number y = unpack<F>(b);
  return round_pack<F>(sign, x.exponent + y.exponent, x.significand * y.significand, rm, flags);
}

template <class F>
Bits<F> fma(Bits<F> a, Bits<F> b, Bits<F> c, Rounding rm, std::uint32_t& flags) {
  const bool infinite_product = is_infinite<F>(a) || is_infinite<F>(b);
  const bool zero_product = is_zero<F>(a) || is_zero<F>(b);
  if (is_nan<F>(a) || is_nan<F>(b) || is_nan<F>(c)) {
    // infinity * 0 is invalid even when the addend is a quiet NaN.
    const bool times = !is_nan<F>(a) && !is_nan<F>(b) && infinite_product && zero_product;
    return propagate<F>(times || is_signalling<F>(a) || is_signalling<F>(b) || is_signalling<F>(c),
                        flags);
  }
  const bool sign = sign_of<F>(a) != sign_of<F>(b);
  const bool sign_c = sign_of<F>(c);
  if (infinite_product) {
    return zero_product || (is_infinite<F>(c) && sign_c != sign) ? invalid<F>(flags)
                                                                 : with_sign<F>(sign, F::kInfinity);
  }
  if (is_infinite<F>(c)) {
    return c;
  }
  if (zero_product) {
    return is_zero<F>(c) && sign != sign_c ? with_sign<F>(rm == Rounding::kRdn, 0) : c;
  }
  const Number x = unpack<F>(a);
  const Number y = unpack<F>(b);
  const Number product{x.significand * y.significand, x.exponent + y.exponent};
  if (is_zero<F>(c)) {
    return round_pack<F>(sign, product.exponent, product.significand, rm, flags);
  }
  return add_round<F>(sign, product, sign_c, unpack<F>(c), rm, flags);
}

template <class F>
Bits<F> div(Bits<F> a, Bits<F> b, Rounding rm, std::uint32_t& flags) {
  if (is_nan<F>(a) || is_nan<F>(b)) {
    return propagate<F>(is_signalling<F>(a) || is_signalling<F>(b), flags);
  }
  const bool sign = sign_of<F>(a) != sign_of<F>(b);
  if (is_infinite<F>(a)) {
    return is_infinite<F>(b) ? invalid<F>(flags) : with_sign<F>(sign, F::kInfinity);
  }
  if (is_infinite<F>(b)) {
    return with_sign<F>(sign, 0);
  }
  if (is_zero<F>(b)) {
    if (is_zero<F>(a)) {
      return invalid<F>(flags);
    }
    flags |= kDivideByZero;
    return with_sign<F>(sign, F::kInfinity);
  }
  if (is_zero<F>(a)) {
    return with_sign<F>(sign, 0);
  }
  const Number x = unpack<F>(a);
  const Number y = unpack<F>(b);
  const int shift = std::countl_zero(x.significand);
  const U64 dividend = x.significand << shift;  // >= 2^63 over a divisor < 2^24: 39 bits or more
  const U64 quotient = dividend / y.significand;
  const U64 sticky = dividend % y.significand != 0 ? 1 : 0;
  return round_pack<F>(sign, x.exponent - shift - y.exponent, quotient | sticky, rm, flags);
}

template <class F>
Bits<F> square_root(Bits<F> a, Rounding rm, std::uint32_t& flags) {
  if (is_nan<F>(a)) {
    return propagate<F>(is_signalling<F>(a), flags);
  }
  if (is_zero<F>(a)) {
    return a;
  }
  if (sign_of<F>(a)) {
    return invalid<F>(flags);
  }
  if (is_infinite<F>(a)) {
    return a;
  }
  Number x = unpack<F>(a);
  int shift = std::countl_zero(x.significand);
  if (((x.exponent - shift) & 1) != 0) {
    --shift;  // an even exponent can be halved
  }
  x.significand <<= shift;
  x.exponent -= shift;
  // Digit by digit: 32 bits of root from 64 bits.
  U64 rest = x.significand;
  U64 root = 0;
  for (U64 bit = U64{1} << 62; bit != 0; bit >>= 2) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  // One more bit, the sticky one, keeps two bits below the precision in either format.
  return round_pack<F>(false, x.exponent / 2 - 1, (root << 1) | (rest != 0 ? 1u : 0u), rm, flags);
}

template <class F>
Bits<F> min_max(Bits<F> a, Bits<F> b, bool want_max, std::uint32_t& flags) {
  if (is_signalling<F>(a) || is_signalling<F>(b)) {
    flags |= kInvalid;
  }
  if (is_nan<F>(a)) {
    return is_nan<F>(b) ? F::kNan : b;
  }
  if (is_nan<F>(b)) {
    return a;
  }
  const bool sign_a = sign_of<F>(a);
  const bool sign_b = sign_of<F>(b);
  const bool a_less = sign_a != sign_b ? sign_a : (sign_a ? a > b : a < b);
  return a_less != want_max ? a : b;
}

/// -1, 0, 1 for numbers (equal zeros of both signs are 0); not for NaN.
template <class F>
int order(Bits<F> a, Bits<F> b) {
  if (is_zero<F>(a) && is_zero<F>(b)) {
    return 0;
  }
  const bool sign_a = sign_of<F>(a);
  if (sign_a != sign_of<F>(b)) {
    return sign_a ? -1 : 1;
  }
  return a == b ? 0 : ((a < b) != sign_a ? -1 : 1);
}

template <class F>
bool equal(Bits<F> a, Bits<F> b, std::uint32_t& flags) {
  if (is_nan<F>(a) || is_nan<F>(b)) {
    flags |= is_signalling<F>(a) || is_signalling<F>(b) ? kInvalid : 0u;
    return false;
  }
  return order<F>(a, b) == 0;
}

template <class F>
bool less(Bits<F> a, Bits<F> b, bool or_equal, std::uint32_t& flags) {
  if (is_nan<F>(a) || is_nan<F>(b)) {
    flags |= kInvalid;
    return false;
  }
  return order<F>(a, b) < (or_equal ? 1 : 0);
}

template <class F>
std::uint32_t classify(Bits<F> a) {
  const bool sign = sign_of<F>(a);
  if (is_nan<F>(a)) {
    return is_signalling<F>(a) ? 1u << 8 : 1u << 9;
  }
  if (is_infinite<F>(a)) {
    return sign ? 1u << 0 : 1u << 7;
  }
  if (is_zero<F>(a)) {
    return sign ? 1u << 3 : 1u << 4;
  }
  if (magnitude<F>(a) <= F::kFractionMask) {
    return sign ? 1u << 2 : 1u << 5;
  }
  return sign ? 1u << 1 : 1u << 6;
}

}  // namespace
}  // namespace etude::fp
