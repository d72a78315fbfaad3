// SPDX-License-Identifier: Apache-2.0
// The oracle works on exact rationals: every operand is an integer times a power of two, the result
// of the operation is compared, exactly, with the two neighbouring values of the format.
#include "models/numerics/softfloat.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace etude::fp;

namespace {

constexpr Rounding kModes[] = {Rounding::kRne, Rounding::kRtz, Rounding::kRdn, Rounding::kRup,
                               Rounding::kRmm};
// binary16 values times 2^24 are integers below 2^40; their products times 2^48 are below 2^80.
__extension__ using I128 = __int128;

std::int64_t fixed16(std::uint16_t a) {
  const int biased = (a >> 10) & 31;
  const std::int64_t fraction = a & 1023;
  const std::int64_t m = biased == 0 ? fraction : (fraction | 1024) << (biased - 1);
  return (a & 0x8000) != 0 ? -m : m;
}
bool finite16(std::uint16_t a) { return (a & 0x7c00) != 0x7c00; }

/// Round `value` / 2^scale / 2^24 to binary16 by looking for the neighbours among all values.
std::uint16_t round16(I128 value, int scale, bool zero_sign, Rounding rm, std::uint32_t& flags) {
  if (value == 0) {
    return zero_sign ? 0x8000 : 0;
  }
  const bool sign = value < 0;
  const I128 m = sign ? -value : value;
  // `bits` counts magnitudes upward, beyond the greatest finite one as if exponents went on.
  auto exact = [&](std::uint32_t bits) {
    const int biased = static_cast<int>(bits >> 10);
    const I128 f = bits & 1023;
    return (biased == 0 ? f : (f | 1024) << (biased - 1)) << scale;
  };
  std::uint32_t low = 0;
  std::uint32_t high = 45u << 10;
  while (high - low > 1) {
    const std::uint32_t mid = (low + high) / 2;
    (exact(mid) <= m ? low : high) = mid;
  }
  const I128 below = m - exact(low);
  const I128 above = exact(low + 1) - m;
  bool up = false;
  if (below != 0) {
    switch (rm) {
      case Rounding::kRne:
        up = below > above || (below == above && (low & 1) != 0);
        break;
      case Rounding::kRtz:
        break;
      case Rounding::kRdn:
        up = sign;
        break;
      case Rounding::kRup:
        up = !sign;
        break;
      case Rounding::kRmm:
        up = below >= above;
        break;
    }
    flags |= kInexact;
    // Tiny after rounding: with an unbounded exponent the value just below 2^-14 is a half step
    // finer, so it reaches 2^-14 only from three quarters of the last denormal step on.
    if (low < 0x3ff) {
      flags |= kUnderflow;
    } else if (low == 0x3ff) {
      bool reaches = false;
      const I128 half = exact(0x400) - exact(0x3ff);  // one step; the finer step is half of it
      const I128 from_fine = m - (exact(0x3ff) + half / 2);
      if (from_fine >= 0) {
        const I128 to_normal = above;
        switch (rm) {
          case Rounding::kRne:
            reaches = from_fine >= to_normal;
            break;  // tie: odd below
          case Rounding::kRtz:
            break;
          case Rounding::kRdn:
            reaches = sign && from_fine > 0;
            break;
          case Rounding::kRup:
            reaches = !sign && from_fine > 0;
            break;
          case Rounding::kRmm:
            reaches = from_fine >= to_normal;
            break;
        }
      }
      flags |= reaches ? 0u : kUnderflow;
    }
  }
  std::uint32_t bits = low + (up ? 1 : 0);
  if (bits >= 0x7c00) {
    flags |= kOverflow | kInexact;
    const bool infinity = rm == Rounding::kRne || rm == Rounding::kRmm ||
                          (rm == Rounding::kRdn && sign) || (rm == Rounding::kRup && !sign);
    bits = infinity ? 0x7c00 : 0x7bff;
  }
  return static_cast<std::uint16_t>(bits | (sign ? 0x8000u : 0u));
}

std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }
float float_of(std::uint32_t x) { return std::bit_cast<float>(x); }

/// Random binary32 with many short, extreme and special values.
std::uint32_t draw32(std::mt19937& random) {
  const std::uint32_t r = random();
  switch (random() % 8) {
    case 0:
      return (r & 0x80000000u) | (random() % 6 << 21);  // around zero
    case 1:
      return (r & 0x80000000u) | 0x7f000000u | (r & 0x00ffffffu);  // around infinity
    case 2:
      return (r & 0x807fffffu);  // denormal
    case 3:
      return (r & 0x8003ffffu) | 0x3f800000u | ((r >> 8) & 0x300000u);
    case 4:
      return (r & 0xff800000u) | (1u << random() % 23);
    case 5:
      return bits_of(static_cast<float>(static_cast<std::int32_t>(r) >> (random() % 31)));
    default:
      return r;
  }
}

}  // namespace

TEST_CASE("binary16 add, mul and fma equal exact rational rounding in every mode", "[softfloat]") {
  std::mt19937 random(1);
  for (int i = 0; i < 400000; ++i) {
    const auto a = static_cast<std::uint16_t>(random());
    const auto b = static_cast<std::uint16_t>(random());
    const auto c = static_cast<std::uint16_t>(random());
    if (!finite16(a) || !finite16(b) || !finite16(c)) {
      continue;
    }
    const Rounding rm = kModes[i % 5];
    const bool down = rm == Rounding::kRdn;
    const I128 x = fixed16(a);
    const I128 y = fixed16(b);
    const I128 z = fixed16(c);
    std::uint32_t want_flags = 0;
    std::uint32_t flags = 0;
    const bool sign_a = a >> 15;
    const bool sign_b = b >> 15;
    const bool sign_c = c >> 15;
    auto zero_sign = [&](bool p, bool q) { return p == q ? p : down; };
    auto want =
        round16(x + y, 0, x == 0 && y == 0 ? zero_sign(sign_a, sign_b) : down, rm, want_flags);
    REQUIRE(f16_add(a, b, rm, flags) == want);
    REQUIRE(flags == want_flags);
    want_flags = flags = 0;
    want = round16(x * y, 24, sign_a != sign_b, rm, want_flags);
    REQUIRE(f16_mul(a, b, rm, flags) == want);
    REQUIRE(flags == want_flags);
    want_flags = flags = 0;
    const bool product_sign = sign_a != sign_b;
    want = round16(x * y + (z << 24), 24,
                   x * y == 0 && z == 0 ? zero_sign(product_sign, sign_c) : down, rm, want_flags);
    CAPTURE(a, b, c, static_cast<int>(rm));
    REQUIRE(f16_fma(a, b, c, rm, flags) == want);
    REQUIRE(flags == want_flags);
  }
}

TEST_CASE("binary16 quotient and root bracket the exact value", "[softfloat]") {
  std::mt19937 random(2);
  for (int i = 0; i < 300000; ++i) {
    const auto a = static_cast<std::uint16_t>(random());
    const auto b = static_cast<std::uint16_t>(random());
    if (!finite16(a) || !finite16(b) || (b & 0x7fff) == 0 || (a & 0x7fff) == 0) {
      continue;
    }
    const Rounding rm = kModes[i % 5];
    // A quotient of 11-bit numbers is never nearer than 2^-24 (relative) to a rounding boundary
    // unless it is on it: 60 bits of quotient with a sticky bit decide as the exact value would.
    const I128 x = std::abs(fixed16(a));
    const I128 y = std::abs(fixed16(b));
    I128 q = (x << 64) / y;
    q = (q << 1) | ((x << 64) % y != 0 ? 1 : 0);
    std::uint32_t want_flags = 0;
    std::uint32_t flags = 0;
    const bool sign = ((a ^ b) & 0x8000) != 0;
    const auto want = round16(sign ? -q : q, 41, sign, rm, want_flags);
    CAPTURE(a, b, static_cast<int>(rm));
    REQUIRE(f16_div(a, b, rm, flags) == want);
    REQUIRE(flags == want_flags);
  }
  for (unsigned a = 1; a < 0x7c00; ++a) {
    for (Rounding rm : kModes) {
      std::uint32_t flags = 0;
      const auto r = f16_sqrt(static_cast<std::uint16_t>(a), rm, flags);
      // r^2 in units of 2^-48 against a.
      const I128 square = static_cast<I128>(fixed16(r)) * fixed16(r);
      const I128 target = static_cast<I128>(fixed16(static_cast<std::uint16_t>(a))) << 24;
      REQUIRE((flags == 0) == (square == target));
      if (rm == Rounding::kRtz || rm == Rounding::kRdn) {
        const I128 next = fixed16(static_cast<std::uint16_t>(r + 1));
        REQUIRE((square <= target && next * next > target));
      } else if (rm == Rounding::kRup) {
        const I128 last = fixed16(static_cast<std::uint16_t>(r - 1));
        REQUIRE((square >= target && last * last < target));
      } else {
        // Nearest: (2r - step)^2 < 4 target < (2r + step)^2; a root is never half way.
        const I128 up = fixed16(r) + fixed16(static_cast<std::uint16_t>(r + 1));
        const I128 down = fixed16(r) + fixed16(static_cast<std::uint16_t>(r - 1));
        REQUIRE((down * down < 4 * target && 4 * target < up * up));
      }
    }
  }
}

TEST_CASE("binary32 general path equals the host's IEEE hardware", "[softfloat]") {
  std::mt19937 random(3);
  for (int i = 0; i < 400000; ++i) {
    const std::uint32_t a = draw32(random);
    const std::uint32_t b = draw32(random);
    const std::uint32_t c = draw32(random);
    std::uint32_t flags = 0;
    auto same = [](std::uint32_t got, float want) {
      return want != want ? got == kCanonicalNan32 : got == bits_of(want);
    };
    CAPTURE(a, b, c);
    const float x = float_of(a);
    const float y = float_of(b);
    REQUIRE(same(general::f32_add(a, b, Rounding::kRne, flags), x + y));
    REQUIRE(same(general::f32_mul(a, b, Rounding::kRne, flags), x * y));
    REQUIRE(same(f32_div(a, b, Rounding::kRne, flags), x / y));
    REQUIRE(same(f32_sqrt(a, Rounding::kRne, flags), std::sqrt(x)));
    flags = kInexact;
    REQUIRE(same(f32_fma(a, b, c, Rounding::kRne, flags), std::fma(x, y, float_of(c))));
    flags = 0;
    REQUIRE(same(f32_fma(a, b, c, Rounding::kRne, flags), std::fma(x, y, float_of(c))));
  }
}

TEST_CASE("binary32 fast paths give the general path's bits and flags", "[softfloat]") {
  std::mt19937 random(4);
  for (int i = 0; i < 400000; ++i) {
    const std::uint32_t a = draw32(random);
    const std::uint32_t b = draw32(random);
    const std::uint32_t c = draw32(random);
    std::uint32_t fast = kInexact;
    std::uint32_t slow = kInexact;
    CAPTURE(a, b, c);
    REQUIRE(f32_add(a, b, Rounding::kRne, fast) == general::f32_add(a, b, Rounding::kRne, slow));
    REQUIRE(f32_mul(a, b, Rounding::kRne, fast) == general::f32_mul(a, b, Rounding::kRne, slow));
    REQUIRE(f32_fma(a, b, c, Rounding::kRne, fast) ==
            general::f32_fma(a, b, c, Rounding::kRne, slow));
    REQUIRE(f32_sub(a, b, Rounding::kRne, fast) ==
            general::f32_add(a, b ^ 0x80000000u, Rounding::kRne, slow));
    REQUIRE(fast == slow);
    // Without a sticky flag, inexact must be raised exactly when it is due.
    const auto each = [&](auto&& quick, auto&& general_form) {
      std::uint32_t quick_flags = 0;
      std::uint32_t general_flags = 0;
      REQUIRE(quick(quick_flags) == general_form(general_flags));
      REQUIRE(quick_flags == general_flags);
    };
    constexpr Rounding kNearest = Rounding::kRne;
    each([&](auto& f) { return f32_add(a, b, kNearest, f); },
         [&](auto& f) { return general::f32_add(a, b, kNearest, f); });
    each([&](auto& f) { return f32_mul(a, b, kNearest, f); },
         [&](auto& f) { return general::f32_mul(a, b, kNearest, f); });
    each([&](auto& f) { return f32_fma(a, b, c, kNearest, f); },
         [&](auto& f) { return general::f32_fma(a, b, c, kNearest, f); });
    const float host = detail::fma_rne(float_of(a), float_of(b), float_of(c));
    const float portable = detail::fma_rne_portable(float_of(a), float_of(b), float_of(c));
    REQUIRE((host != host ? portable != portable : bits_of(host) == bits_of(portable)));
  }
}

TEST_CASE("binary32 directed modes enclose and flags are exact", "[softfloat]") {
  std::mt19937 random(5);
  for (int i = 0; i < 300000; ++i) {
    const std::uint32_t a = draw32(random);
    const std::uint32_t b = draw32(random);
    if (!detail::is_finite(a) || !detail::is_finite(b)) {
      continue;
    }
    std::uint32_t flags[5] = {};
    std::uint32_t r[5];
    for (int m = 0; m < 5; ++m) {
      r[m] = general::f32_mul(a, b, kModes[m], flags[m]);
    }
    CAPTURE(a, b);
    const double exact = static_cast<double>(float_of(a)) * static_cast<double>(float_of(b));
    REQUIRE(static_cast<double>(float_of(r[2])) <= exact);
    REQUIRE(static_cast<double>(float_of(r[3])) >= exact);
    REQUIRE(std::abs(static_cast<double>(float_of(r[1]))) <= std::abs(exact));
    for (int m = 0; m < 5; ++m) {
      REQUIRE(((flags[m] & kInexact) != 0) == (static_cast<double>(float_of(r[m])) != exact));
    }
    if ((flags[0] & kInexact) == 0) {
      REQUIRE(r[0] == r[3]);
      REQUIRE(r[0] == r[2]);
    } else if (detail::is_finite(r[0])) {
      REQUIRE((r[0] == r[2] || r[0] == r[3]));
      REQUIRE((r[4] == r[2] || r[4] == r[3]));
    }
  }
}

TEST_CASE("special operands: NaN, infinities, zeros", "[softfloat]") {
  constexpr std::uint32_t kInf = 0x7f800000u;
  constexpr std::uint32_t kQuiet = 0x7fc12345u;
  constexpr std::uint32_t kSignalling = 0x7f812345u;
  constexpr Rounding kRne = Rounding::kRne;
  std::uint32_t flags = 0;
  CHECK(f32_add(kQuiet, 0, kRne, flags) == kCanonicalNan32);
  CHECK(flags == 0);
  CHECK(f32_add(kSignalling, 0, kRne, flags) == kCanonicalNan32);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_sub(kInf, kInf, kRne, flags) == kCanonicalNan32);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_fma(kInf, 0, kQuiet, kRne, flags) == kCanonicalNan32);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_div(0x3f800000u, 0x80000000u, kRne, flags) == 0xff800000u);
  CHECK(flags == kDivideByZero);
  flags = 0;
  CHECK(f32_div(0, 0, kRne, flags) == kCanonicalNan32);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_sqrt(0x80000000u, kRne, flags) == 0x80000000u);
  CHECK(flags == 0);
  CHECK(f32_sqrt(0xbf800000u, kRne, flags) == kCanonicalNan32);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_add(0x80000000u, 0, kRne, flags) == 0);
  CHECK(f32_add(0x80000000u, 0, Rounding::kRdn, flags) == 0x80000000u);
  CHECK(f32_min(0, 0x80000000u, flags) == 0x80000000u);
  CHECK(f32_max(0x80000000u, 0, flags) == 0);
  CHECK(f32_min(kQuiet, 0x3f800000u, flags) == 0x3f800000u);
  CHECK(flags == 0);
  CHECK(f32_max(kSignalling, 0x3f800000u, flags) == 0x3f800000u);
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK_FALSE(f32_eq(kQuiet, kQuiet, flags));
  CHECK(flags == 0);
  CHECK_FALSE(f32_le(kQuiet, 0, flags));
  CHECK(flags == kInvalid);
  flags = 0;
  CHECK(f32_eq(0x80000000u, 0, flags));
  CHECK_FALSE(f32_lt(0x80000000u, 0, flags));
  CHECK(f32_lt(0xbf800000u, 0x3f800000u, flags));
  CHECK(flags == 0);
  CHECK(f32_classify(0xff800000u) == 1u);
  CHECK(f32_classify(0xbf800000u) == 1u << 1);
  CHECK(f32_classify(0x80000001u) == 1u << 2);
  CHECK(f32_classify(0x80000000u) == 1u << 3);
  CHECK(f32_classify(0) == 1u << 4);
  CHECK(f32_classify(1) == 1u << 5);
  CHECK(f32_classify(0x3f800000u) == 1u << 6);
  CHECK(f32_classify(kInf) == 1u << 7);
  CHECK(f32_classify(kSignalling) == 1u << 8);
  CHECK(f32_classify(kQuiet) == 1u << 9);
}

TEST_CASE("conversions round, saturate and flag", "[softfloat]") {
  std::mt19937 random(6);
  auto rounded = [](double x, Rounding rm) {
    const double low = std::floor(x);
    const double rest = x - low;
    switch (rm) {
      case Rounding::kRtz:
        return std::trunc(x);
      case Rounding::kRdn:
        return low;
      case Rounding::kRup:
        return std::ceil(x);
      case Rounding::kRmm:
        return std::round(x);
      default:
        return rest > 0.5 || (rest == 0.5 && std::fmod(low, 2) != 0) ? low + 1 : low;
    }
  };
  for (int i = 0; i < 500000; ++i) {
    const std::uint32_t a = draw32(random);
    const Rounding rm = kModes[i % 5];
    const double x = float_of(a);
    std::uint32_t flags = 0;
    const std::int32_t s = f32_to_i32(a, rm, flags);
    CAPTURE(a, static_cast<int>(rm));
    if (x != x) {
      REQUIRE((s == 0x7fffffff && flags == kInvalid));
      continue;
    }
    const double r = rounded(x, rm);
    const bool fits = r >= -2147483648.0 && r <= 2147483647.0;
    REQUIRE(s == (fits ? static_cast<std::int32_t>(r) : x < 0 ? INT32_MIN : INT32_MAX));
    REQUIRE(flags == (!fits ? kInvalid : r != x ? kInexact : 0u));
    flags = 0;
    const std::uint32_t u = f32_to_u32(a, rm, flags);
    const bool fits_u = r >= 0 && r <= 4294967295.0;
    REQUIRE(u == (fits_u ? static_cast<std::uint32_t>(r) : x < 0 ? 0u : ~0u));
    REQUIRE(flags == (!fits_u ? kInvalid : r != x ? kInexact : 0u));
    const std::uint32_t n = random() >> (random() % 32);
    flags = 0;
    REQUIRE(i32_to_f32(static_cast<std::int32_t>(n), Rounding::kRne, flags) ==
            bits_of(static_cast<float>(static_cast<std::int32_t>(n))));
    REQUIRE(u32_to_f32(n, Rounding::kRne, flags) == bits_of(static_cast<float>(n)));
    REQUIRE(((flags & kInexact) != 0) ==
            (static_cast<double>(static_cast<float>(n)) != n ||
             static_cast<double>(static_cast<float>(static_cast<std::int32_t>(n))) !=
                 static_cast<std::int32_t>(n)));
  }
  for (unsigned h = 0; h < 65536; ++h) {
    const auto a = static_cast<std::uint16_t>(h);
    std::uint32_t flags = 0;
    const std::uint32_t wide = f16_to_f32(a, flags);
    if (finite16(a)) {
      REQUIRE(static_cast<double>(float_of(wide)) * 16777216.0 == static_cast<double>(fixed16(a)));
      REQUIRE(wide >> 31 == h >> 15);
      REQUIRE(f32_to_f16(wide, kModes[h % 5], flags) == a);
      REQUIRE(flags == 0);
      // A quarter step above: nearest and down go back, up does not.
      if ((a & 0x7fff) != 0x7bff && (a & 0x7fff) != 0 && (a & 0x7c00) != 0) {
        REQUIRE(f32_to_f16(wide + 0x800, Rounding::kRne, flags) == a);
        REQUIRE(f32_to_f16(wide + 0x800, (h >> 15) != 0 ? Rounding::kRdn : Rounding::kRup, flags) ==
                a + 1);
        REQUIRE(f32_to_f16(wide + 0x1000, Rounding::kRne, flags) == a + (a & 1));
        REQUIRE(f32_to_f16(wide + 0x1000, Rounding::kRmm, flags) == a + 1);
        REQUIRE(flags == kInexact);
      }
    } else {
      REQUIRE(wide == ((a & 0x3ff) != 0 ? kCanonicalNan32 : (h >> 15) << 31 | 0x7f800000u));
    }
  }
  std::uint32_t flags = 0;
  CHECK(f32_to_f16(0x477ff000u, Rounding::kRne, flags) == 0x7c00);  // 65520: half way, overflows
  CHECK(flags == (kOverflow | kInexact));
  flags = 0;
  CHECK(f32_to_f16(0x477ff000u, Rounding::kRtz, flags) == 0x7bff);
  CHECK(flags == kInexact);
  flags = 0;
  CHECK(i32_to_f16(65519, Rounding::kRne, flags) == 0x7bff);
  CHECK(i32_to_f16(-65520, Rounding::kRne, flags) == 0xfc00);
  CHECK(flags == (kOverflow | kInexact));
}
