// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

// IEEE 754 binary32 and binary16 arithmetic on bit patterns, as RISC-V defines it (unprivileged
// manual, chapters F and Zfh): five rounding modes, sticky flags, tininess after rounding,
// canonical NaN. Integer arithmetic decides every digit; binary32 in round-to-nearest-even also has
// an inline path on the host's own adder and multiplier, which is used only where it cannot differ.
namespace etude::fp {

/// Rounding modes; the values are those of the rm field.
enum class Rounding : std::uint8_t {
  kRne = 0,  ///< to nearest, ties to even
  kRtz = 1,  ///< towards zero
  kRdn = 2,  ///< down
  kRup = 3,  ///< up
  kRmm = 4,  ///< to nearest, ties to the greater magnitude
};

/// Exception flags; the values are those of fflags.
inline constexpr std::uint32_t kInexact = 1;
inline constexpr std::uint32_t kUnderflow = 2;
inline constexpr std::uint32_t kOverflow = 4;
inline constexpr std::uint32_t kDivideByZero = 8;
inline constexpr std::uint32_t kInvalid = 16;

inline constexpr std::uint32_t kCanonicalNan32 = 0x7fc00000u;
inline constexpr std::uint16_t kCanonicalNan16 = 0x7e00u;

/// The general path: exact integer arithmetic for all modes. `flags` is or-ed with what was raised.
namespace general {
std::uint32_t f32_add(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags);
std::uint32_t f32_mul(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags);
std::uint32_t f32_fma(std::uint32_t a, std::uint32_t b, std::uint32_t c, Rounding rm,
                      std::uint32_t& flags);
std::uint32_t f32_div(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags);
std::uint32_t f32_sqrt(std::uint32_t a, Rounding rm, std::uint32_t& flags);
}  // namespace general

namespace detail {
#if defined(__x86_64__)
/// True if the host has FMA instructions (asked once).
extern const bool kHostFma;
#endif

inline bool is_finite(std::uint32_t bits) { return (bits & 0x7f800000u) != 0x7f800000u; }
/// Finite and above 2^-126: a result with which no flag but inexact can be raised (2^-126 itself
/// may have been rounded up from something tiny).
inline bool is_above_tiny(std::uint32_t bits) {
  return (bits & 0x7fffffffu) - 0x00800001u < 0x7f800000u - 0x00800001u;
}

/// a * b + c rounded once, without FMA instructions: the product is exact in double, and the sum is
/// rounded to odd, so that rounding it again to float is right (53 >= 2 * 24 + 2 bits).
inline float fma_rne_portable(float a, float b, float c) {
  const double p = static_cast<double>(a) * static_cast<double>(b);
  const double d = c;
  const double s = p + d;
  const double t = s - p;
  const double error = (p - (s - t)) + (d - t);
  auto bits = std::bit_cast<std::uint64_t>(s);
  if (error != 0 && (bits & 1u) == 0) {
    // The sum was rounded and is even: the odd neighbour on the side of the true value.
    bits += ((error > 0) == (s > 0)) ? std::uint64_t{1} : ~std::uint64_t{0};
  }
  return static_cast<float>(std::bit_cast<double>(bits));
}

/// a * b + c rounded once, by the host's FMA where it has one.
inline float fma_rne(float a, float b, float c) {
#if defined(__x86_64__)
  if (kHostFma) [[likely]] {
    asm("vfmadd231ss %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
  }
#elif defined(__aarch64__)
  return __builtin_fmaf(a, b, c);
#endif
  return fma_rne_portable(a, b, c);
}
}  // namespace detail

namespace detail {
/// What is left of the real sum p + d after rounding it to the double s: 0 if s is exact (TwoSum).
inline double sum_error(double p, double d, double s) {
  const double t = s - p;
  return (p - (s - t)) + (d - t);
}

/// True if r, the rounded x * y + z, is that value. The product p is exact in double. With e = r -
/// p
/// - z, both differences come out as below only if |e| < 2^-52 |z| and |e| < 2^-52 |p|; but unless
/// it is 0, e is at least the lowest bit of p (2^-47 |p|) or of z (2^-23 |z|): r has no finer ones
/// when it was rounded.
inline bool is_exact_fma(float x, float y, float z, float r) {
  const double p = static_cast<double>(x) * static_cast<double>(y);
  const double sum = r;
  return sum - p == static_cast<double>(z) && sum - static_cast<double>(z) == p;
}

/// Takes the host's correctly rounded result `r` of an operation whose real value is `value` if
/// `value` is exact (`known`): raises inexact if r is not that value. False if another flag could
/// be due, or r is no finite number; then the general form decides. An exact result raises nothing,
/// however small it is; 2^-126 may have been rounded up from a tiny value, anything above it has
/// not.
inline bool accept(std::uint32_t r, double value, bool known, std::uint32_t& flags) {
  if (!is_finite(r)) [[unlikely]] {
    return false;
  }
  if (known && static_cast<double>(std::bit_cast<float>(r)) == value) {
    return true;
  }
  if (!is_above_tiny(r)) [[unlikely]] {
    return false;
  }
  flags |= kInexact;
  return true;
}
}  // namespace detail

/// a + b.
inline std::uint32_t f32_add(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags) {
  if (rm == Rounding::kRne) [[likely]] {
    const auto x = std::bit_cast<float>(a);
    const auto y = std::bit_cast<float>(b);
    const auto r = std::bit_cast<std::uint32_t>(x + y);
    if ((flags & kInexact) != 0) {
      // A sum is never tiny and inexact at once, so that a finite one raises inexact at most.
      if (detail::is_finite(r)) [[likely]] {
        return r;
      }
    } else {
      const double s = static_cast<double>(x) + static_cast<double>(y);
      if (detail::accept(r, s, detail::sum_error(x, y, s) == 0, flags)) [[likely]] {
        return r;
      }
    }
  }
  return general::f32_add(a, b, rm, flags);
}

/// a - b.
inline std::uint32_t f32_sub(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags) {
  // The sign of a NaN is never seen, so that turning b's sign is always right.
  return f32_add(a, b ^ 0x80000000u, rm, flags);
}

/// a * b.
inline std::uint32_t f32_mul(std::uint32_t a, std::uint32_t b, Rounding rm, std::uint32_t& flags) {
  if (rm == Rounding::kRne) [[likely]] {
    const auto x = std::bit_cast<float>(a);
    const auto y = std::bit_cast<float>(b);
    const auto r = std::bit_cast<std::uint32_t>(x * y);
    if (detail::accept(r, static_cast<double>(x) * static_cast<double>(y), true, flags))
        [[likely]] {
      return r;
    }
  }
  return general::f32_mul(a, b, rm, flags);
}

/// a * b + c, rounded once (fmadd; turn the signs of a or c for the other three).
inline std::uint32_t f32_fma(std::uint32_t a, std::uint32_t b, std::uint32_t c, Rounding rm,
                             std::uint32_t& flags) {
  if (rm == Rounding::kRne) [[likely]] {
    const auto x = std::bit_cast<float>(a);
    const auto y = std::bit_cast<float>(b);
    const auto z = std::bit_cast<float>(c);
    const auto r = std::bit_cast<std::uint32_t>(detail::fma_rne(x, y, z));
    if ((flags & kInexact) != 0 && detail::is_above_tiny(r)) [[likely]] {
      return r;
    }
    if (detail::is_exact_fma(x, y, z, std::bit_cast<float>(r))) {
      return r;
    }
    if (detail::is_above_tiny(r)) [[likely]] {
      flags |= kInexact;
      return r;
    }
  }
  return general::f32_fma(a, b, c, rm, flags);
}

/// a / b and the square root of a.
using general::f32_div;
using general::f32_sqrt;

/// fmin, fmax of version 2.2 of the F extension: a NaN loses against a number, -0 < +0.
std::uint32_t f32_min(std::uint32_t a, std::uint32_t b, std::uint32_t& flags);
std::uint32_t f32_max(std::uint32_t a, std::uint32_t b, std::uint32_t& flags);
/// feq is quiet, flt and fle are signalling comparisons; false with a NaN.
bool f32_eq(std::uint32_t a, std::uint32_t b, std::uint32_t& flags);
bool f32_lt(std::uint32_t a, std::uint32_t b, std::uint32_t& flags);
bool f32_le(std::uint32_t a, std::uint32_t b, std::uint32_t& flags);
/// The ten-bit mask of fclass.
std::uint32_t f32_classify(std::uint32_t a);
inline std::uint32_t f32_sgnj(std::uint32_t a, std::uint32_t b) {
  return (a & 0x7fffffffu) | (b & 0x80000000u);
}
inline std::uint32_t f32_sgnjn(std::uint32_t a, std::uint32_t b) { return f32_sgnj(a, ~b); }
inline std::uint32_t f32_sgnjx(std::uint32_t a, std::uint32_t b) { return a ^ (b & 0x80000000u); }
/// To integer: out of range or NaN gives the nearest bound (NaN the upper one) and invalid alone.
std::int32_t f32_to_i32(std::uint32_t a, Rounding rm, std::uint32_t& flags);
std::uint32_t f32_to_u32(std::uint32_t a, Rounding rm, std::uint32_t& flags);
std::uint32_t i32_to_f32(std::int32_t a, Rounding rm, std::uint32_t& flags);
std::uint32_t u32_to_f32(std::uint32_t a, Rounding rm, std::uint32_t& flags);

/// binary16: the same set of operations.
std::uint16_t f16_add(std::uint16_t a, std::uint16_t b, Rounding rm, std::uint32_t& flags);
std::uint16_t f16_sub(std::uint16_t a, std::uint16_t b, Rounding rm, std::uint32_t& flags);
std::uint16_t f16_mul(std::uint16_t a, std::uint16_t b, Rounding rm, std::uint32_t& flags);
std::uint16_t f16_fma(std::uint16_t a, std::uint16_t b, std::uint16_t c, Rounding rm,
                      std::uint32_t& flags);
std::uint16_t f16_div(std::uint16_t a, std::uint16_t b, Rounding rm, std::uint32_t& flags);
std::uint16_t f16_sqrt(std::uint16_t a, Rounding rm, std::uint32_t& flags);
std::uint16_t f16_min(std::uint16_t a, std::uint16_t b, std::uint32_t& flags);
std::uint16_t f16_max(std::uint16_t a, std::uint16_t b, std::uint32_t& flags);
bool f16_eq(std::uint16_t a, std::uint16_t b, std::uint32_t& flags);
bool f16_lt(std::uint16_t a, std::uint16_t b, std::uint32_t& flags);
bool f16_le(std::uint16_t a, std::uint16_t b, std::uint32_t& flags);
std::uint32_t f16_classify(std::uint16_t a);
inline std::uint16_t f16_sgnj(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::uint16_t>((a & 0x7fffu) | (b & 0x8000u));
}
inline std::uint16_t f16_sgnjn(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::uint16_t>((a & 0x7fffu) | (~b & 0x8000u));
}
inline std::uint16_t f16_sgnjx(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::uint16_t>(a ^ (b & 0x8000u));
}
std::int32_t f16_to_i32(std::uint16_t a, Rounding rm, std::uint32_t& flags);
std::uint32_t f16_to_u32(std::uint16_t a, Rounding rm, std::uint32_t& flags);
std::uint16_t i32_to_f16(std::int32_t a, Rounding rm, std::uint32_t& flags);
std::uint16_t u32_to_f16(std::uint32_t a, Rounding rm, std::uint32_t& flags);

/// Between the two formats; a NaN becomes the canonical one, a signalling one raises invalid.
std::uint32_t f16_to_f32(std::uint16_t a, std::uint32_t& flags);
std::uint16_t f32_to_f16(std::uint32_t a, Rounding rm, std::uint32_t& flags);

}  // namespace etude::fp
