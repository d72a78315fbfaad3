// SPDX-License-Identifier: Apache-2.0
// Packed binary16 (Xfvec): every lane is what Zhinx gives for it, in every rounding mode, flags
// included; and for finite operands what integer arithmetic of its own gives.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>

#include "models/base/error.h"
#include "models/iss/isa/decode.h"
#include "models/iss/isa/disassemble.h"
#include "models/iss/isa/execute.h"

using namespace etude;

namespace {

const IsaConfig kIsa = parse_isa("rv32imc_xfvec");

struct Operation {
  const char* name;
  std::uint32_t funct7;
  std::uint32_t scalar;  ///< Zhinx on x10, x11 (and x12) into x13, dynamic rounding
  bool accumulates;
};
// fadd.h x13,x10,x11 and so on, fmadd.h x13,x10,x11,x12
const Operation kOperations[] = {
    {"vfadd", 0x41, 0x04b576d3, false}, {"vfsub", 0x42, 0x0cb576d3, false},
    {"vfmul", 0x43, 0x14b576d3, false}, {"vfmin", 0x45, 0x2cb506d3, false},
    {"vfmax", 0x46, 0x2cb516d3, false}, {"vfmac", 0x48, 0x64b576c3, true},
};

/// x12 = operation of x10, x11 (and x12).
std::uint32_t word(const Operation& operation, bool replicate) {
  return operation.funct7 << 25 | 11u << 20 | 10u << 15 | (replicate ? 6u : 2u) << 12 | 12u << 7 |
         0x33u;
}

/// The value of a finite binary16 in units of 2^-24.
std::int64_t units(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const std::int64_t fraction = bits & 1023;
  const std::int64_t magnitude = exponent == 0 ? fraction : (fraction + 1024) << (exponent - 1);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// Fused a * b + c of finite numbers, to nearest even: exact in units of 2^-48, rounded once.
std::uint16_t exact_fma(std::uint16_t a, std::uint16_t b, std::uint16_t c) {
  const __int128 product = static_cast<__int128>(units(a)) * units(b);
  const __int128 sum = product + (static_cast<__int128>(units(c)) << 24);
  if (sum == 0) {
    const bool minus = ((a ^ b) & c & 0x8000) != 0;  // both are -0
    return minus ? 0x8000 : 0;
  }
  const bool negative = sum < 0;
  const unsigned __int128 m = static_cast<unsigned __int128>(negative ? -sum : sum);
  int top = 0;
  while (m >> (top + 1) != 0) {
    ++top;
  }
  const int shift = std::max(top - 10, 24);  // the last place weighs 2^(shift - 48)
  unsigned __int128 n = m >> shift;
  const unsigned __int128 rest = m - (n << shift), half = static_cast<unsigned __int128>(1)
                                                          << (shift - 1);
  n += rest > half || (rest == half && (n & 1) != 0);
  const auto bits = (static_cast<std::uint32_t>(shift - 24) << 10) + static_cast<std::uint32_t>(n);
  return static_cast<std::uint16_t>((negative ? 0x8000u : 0u) | std::min(bits, 0x7c00u));
}

}  // namespace

TEST_CASE("packed binary16 is two times Zhinx", "[isa]") {
  std::mt19937 random(7);
  const auto draw = [&random] {
    // half of the operands are special: zero, infinity, NaN, the smallest and the largest numbers
    static const std::uint16_t kSpecial[] = {0,      0x8000, 1,      0x83ff, 0x0400,
                                             0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x7d01};
    const auto one = [&random]() -> std::uint32_t {
      return (random() & 1) != 0 ? random() & 0xffff : kSpecial[random() % 10];
    };
    return one() << 16 | one();
  };
  for (const Operation& operation : kOperations) {
    const Instr scalar = decode(operation.scalar, kIsa);
    REQUIRE(scalar.length == 4);
    REQUIRE(scalar.op != Op::kIllegal);
    for (const bool replicate : {false, true}) {
      const Instr packed = decode(word(operation, replicate), kIsa);
      REQUIRE(disassemble(packed, 0) ==
              std::string(operation.name) + (replicate ? ".r.h" : ".h") + " a2, a0, a1");
      for (int i = 0; i < 20000; ++i) {
        ArchState state(kIsa, CsrMap::kStandard, 0), lane(kIsa, CsrMap::kStandard, 0);
        state.frm = lane.frm = static_cast<std::uint8_t>(i % 5);
        const std::uint32_t a = draw(), b = draw(), c = draw();
        state.set_x(10, a);
        state.set_x(11, b);
        state.set_x(12, c);
        execute(packed, state);
        std::uint32_t expected = 0;
        for (const unsigned shift : {0u, 16u}) {
          lane.set_x(10, a >> shift & 0xffff);
          lane.set_x(11, b >> (replicate ? 0 : shift) & 0xffff);
          lane.set_x(12, c >> shift & 0xffff);
          execute(scalar, lane);
          expected |= (lane.x(13) & 0xffff) << shift;
        }
        INFO(operation.name << (replicate ? ".r " : " ") << std::hex << a << ' ' << b << ' ' << c);
        REQUIRE(state.x(12) == expected);
        REQUIRE(state.fflags == lane.fflags);
      }
    }
  }
}

TEST_CASE("packed multiply-accumulate rounds once", "[isa]") {
  std::mt19937 random(11);
  const Instr packed = decode(word(kOperations[5], false), kIsa);
  unsigned twice_differs = 0;
  for (int i = 0; i < 200000; ++i) {
    std::uint16_t operands[3][2];
    for (auto& operand : operands) {
      for (std::uint16_t& half : operand) {
        half = static_cast<std::uint16_t>(random());
        half = (half & 0x7c00) == 0x7c00 ? half & 0xbfff : half;  // finite
      }
    }
    ArchState state(kIsa, CsrMap::kStandard, 0);
    for (unsigned r = 0; r < 3; ++r) {
      state.set_x(10 + r, static_cast<std::uint32_t>(operands[r][1]) << 16 | operands[r][0]);
    }
    execute(packed, state);
    for (unsigned l = 0; l < 2; ++l) {
      const std::uint16_t a = operands[0][l], b = operands[1][l], c = operands[2][l];
      INFO(std::hex << a << ' ' << b << ' ' << c);
      REQUIRE((state.x(12) >> (16 * l) & 0xffff) == exact_fma(a, b, c));
      const std::uint16_t product = exact_fma(a, b, (a ^ b) & 0x8000);
      twice_differs +=
          (product & 0x7c00) != 0x7c00 && exact_fma(product, 0x3c00, c) != exact_fma(a, b, c);
    }
  }
  CHECK(twice_differs > 1000);  // the operands tell one rounding from two
}

TEST_CASE("packed binary16 exists only where the ISA names it", "[isa]") {
  CHECK(kIsa.zhinx);
  CHECK(kIsa.zfinx);
  CHECK_THROWS_AS(parse_isa("rv32imfc_xfvec"), UserError);
  const IsaConfig without = parse_isa("rv32imc_zhinx");
  for (const Operation& operation : kOperations) {
    CHECK(decode(word(operation, false), without).op == Op::kIllegal);
    CHECK(decode(word(operation, false), kIsa).op != Op::kIllegal);
    // binary32, alternative binary16 and 8-bit formats; square roots and the rest
    for (const std::uint32_t funct3 : {0u, 1u, 3u, 4u, 5u, 7u}) {
      CHECK(decode((word(operation, false) & ~0x7000u) | funct3 << 12, kIsa).op == Op::kIllegal);
    }
  }
  for (std::uint32_t funct7 = 0x40; funct7 < 0x60; ++funct7) {
    const bool known = std::any_of(std::begin(kOperations), std::end(kOperations),
                                   [&](const Operation& o) { return o.funct7 == funct7; });
    const Operation operation{"", funct7, 0, false};
    CHECK((decode(word(operation, false), kIsa).op != Op::kIllegal) == known);
  }
  ArchState state(kIsa, CsrMap::kStandard, 0);
  state.frm = 5;  // no rounding mode
  CHECK(illegal_now(decode(word(kOperations[0], false), kIsa), state));
  CHECK_FALSE(illegal_now(decode(word(kOperations[3], false), kIsa), state));
}
