// SPDX-License-Identifier: Apache-2.0
// XCVmac, XCVbitmanip, XCValu. Source: CV32E40P user manual v2, "CORE-V Instruction Set Custom
// Extensions"; what it leaves open (operands out of range) follows the RTL's adder, multiplier and
// masks (cv32e40p_alu.sv, cv32e40p_mult.sv), all of which are 32 bits wide.
#include <algorithm>
#include <bit>

#include "models/iss/isa/execute.h"
#include "models/iss/isa/op_info.h"

namespace etude::isa {
namespace {

using U = std::uint32_t;
using I = std::int32_t;

I as_signed(U value) { return static_cast<I>(value); }
U sra(U value, U n) { return static_cast<U>(as_signed(value) >> n); }

// rd = F(rs1, rs2) with rs2 a register or its immediate stand-in.
template <U (*F)(U, U)>
void reg_reg(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.a], s.r[i.b]);
}
template <U (*F)(U, U)>
void reg_imm(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.a], static_cast<U>(i.imm));
}
template <U (*F)(U)>
void unary(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.a]);
}
// rd = F(rd, rs1, rs2).
template <U (*F)(U, U, U)>
void accumulate(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.c], s.r[i.a], s.r[i.b]);
}
template <U (*F)(U, U, U)>
void accumulate_imm(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.c], s.r[i.a], static_cast<U>(i.imm));
}

// ---- bit manipulation: `where` holds the position in bits 4:0 and length - 1 in bits 9:5.
U position(U where) { return where & 31u; }
U length_mask(U where) { return ~(~1u << (where >> 5 & 31u)); }
U mask(U where) { return length_mask(where) << position(where); }

U extract(U a, U where) {
  // Bits beyond 31 repeat the sign, as the arithmetic shifter delivers them.
  const U shifted = sra(a, position(where));
  const U sign_bit = 1u << (where >> 5 & 31u);
  return (shifted & sign_bit) != 0 ? shifted | ~length_mask(where) : shifted & length_mask(where);
}
U extractu(U a, U where) { return a >> position(where) & length_mask(where); }
U insert(U d, U a, U where) { return (d & ~mask(where)) | (a << position(where) & mask(where)); }
U bclr(U a, U where) { return a & ~mask(where); }
U bset(U a, U where) { return a | mask(where); }
U ror(U a, U n) { return std::rotr(a, static_cast<int>(n & 31u)); }
U bitrev(U a, U where) {
  const U group = (where >> 5 & 3u) == 3u ? 1 : (where >> 5 & 3u) + 1;
  const U shifted = a << position(where);
  U result = 0;
  // Group k from the top becomes group k from the bottom; an incomplete last group is dropped.
  for (U k = 0; (k + 1) * group <= 32; ++k) {
    const U bits = shifted >> (32 - (k + 1) * group) & ((1u << group) - 1u);
    result |= bits << k * group;
  }
  return result;
}
U ff1(U a) { return static_cast<U>(std::countr_zero(a)); }
U fl1(U a) { return a == 0 ? 32u : 31u - static_cast<U>(std::countl_zero(a)); }
U clb(U a) {
  return a == 0 ? 0u
                : static_cast<U>((a >> 31 != 0 ? std::countl_one(a) : std::countl_zero(a)) - 1);
}
U cnt(U a) { return static_cast<U>(std::popcount(a)); }

// ---- general ALU
U abs(U a) { return as_signed(a) < 0 ? 0u - a : a; }
U slet(U a, U b) { return as_signed(a) <= as_signed(b) ? 1 : 0; }
U sletu(U a, U b) { return a <= b ? 1 : 0; }
U min(U a, U b) { return static_cast<U>(std::min(as_signed(a), as_signed(b))); }
U minu(U a, U b) { return std::min(a, b); }
U max(U a, U b) { return static_cast<U>(std::max(as_signed(a), as_signed(b))); }
U maxu(U a, U b) { return std::max(a, b); }
U exths(U a) { return static_cast<U>(static_cast<std::int16_t>(a)); }
U exthz(U a) { return a & 0xffffu; }
U extbs(U a) { return static_cast<U>(static_cast<std::int8_t>(a)); }
U extbz(U a) { return a & 0xffu; }
U clip(U a, U b) {
  // -(b + 1) is ~b; a <= -(b + 1) is decided on the 33-bit sum.
  return static_cast<std::int64_t>(as_signed(a)) + as_signed(b) < 0 || a == ~b ? ~b : min(a, b);
}
U clipu(U a, U b) { return as_signed(a) <= 0 ? 0 : min(a, b); }

U half_ulp(U n) { return (1u << n) >> 1; }

// Sum or difference, optionally rounded, then shifted right by n.
template <bool kSubtract, bool kUnsigned, bool kRound>
U normalise(U a, U b, U n) {
  const U sum = (kSubtract ? a - b : a + b) + (kRound ? half_ulp(n) : 0u);
  return kUnsigned ? sum >> n : sra(sum, n);
}
template <bool kSubtract, bool kUnsigned, bool kRound>
void normalise_imm(const Instr& i, ArchState& s) {
  s.r[i.d] = normalise<kSubtract, kUnsigned, kRound>(s.r[i.a], s.r[i.b], static_cast<U>(i.imm));
}
template <bool kSubtract, bool kUnsigned, bool kRound>
void normalise_reg(const Instr& i, ArchState& s) {
  s.r[i.d] = normalise<kSubtract, kUnsigned, kRound>(s.r[i.c], s.r[i.a], s.r[i.b] & 31u);
}

// ---- multiply-accumulate
U mac(U d, U a, U b) { return d + a * b; }
U msu(U d, U a, U b) { return d - a * b; }

template <bool kAccumulate, bool kUnsigned, bool kHigh, bool kRound>
void mul16(const Instr& i, ArchState& s) {
  const U a = kHigh ? s.r[i.a] >> 16 : s.r[i.a] & 0xffffu;
  const U b = kHigh ? s.r[i.b] >> 16 : s.r[i.b] & 0xffffu;
  const U n = static_cast<U>(i.imm);
  const U product = kUnsigned ? a * b : exths(a) * exths(b);
  const U sum = product + (kAccumulate ? s.r[i.c] : 0u) + (kRound ? half_ulp(n) : 0u);
  s.r[i.d] = kUnsigned ? sum >> n : sra(sum, n);
}

template <bool kAccumulate, bool kUnsigned>
void set_mul16(HandlerTable& table, Op first) {
  table[static_cast<unsigned>(first)] = mul16<kAccumulate, kUnsigned, false, false>;
  table[static_cast<unsigned>(nth(first, 1))] = mul16<kAccumulate, kUnsigned, true, false>;
  table[static_cast<unsigned>(nth(first, 2))] = mul16<kAccumulate, kUnsigned, false, true>;
  table[static_cast<unsigned>(nth(first, 3))] = mul16<kAccumulate, kUnsigned, true, true>;
}

template <bool kSubtract>
void set_normalise(HandlerTable& table, Op imm, Op reg) {
  table[static_cast<unsigned>(imm)] = normalise_imm<kSubtract, false, false>;
  table[static_cast<unsigned>(nth(imm, 1))] = normalise_imm<kSubtract, true, false>;
  table[static_cast<unsigned>(nth(imm, 2))] = normalise_imm<kSubtract, false, true>;
  table[static_cast<unsigned>(nth(imm, 3))] = normalise_imm<kSubtract, true, true>;
  table[static_cast<unsigned>(reg)] = normalise_reg<kSubtract, false, false>;
  table[static_cast<unsigned>(nth(reg, 1))] = normalise_reg<kSubtract, true, false>;
  table[static_cast<unsigned>(nth(reg, 2))] = normalise_reg<kSubtract, false, true>;
  table[static_cast<unsigned>(nth(reg, 3))] = normalise_reg<kSubtract, true, true>;
}

}  // namespace

void add_corev_handlers(HandlerTable& table) {
  const auto set = [&table](Op op, Handler handler) { table[static_cast<unsigned>(op)] = handler; };
  set(Op::kCvExtract, reg_imm<extract>);
  set(Op::kCvExtractu, reg_imm<extractu>);
  set(Op::kCvInsert, accumulate_imm<insert>);
  set(Op::kCvBclr, reg_imm<bclr>);
  set(Op::kCvBset, reg_imm<bset>);
  set(Op::kCvBitrev, reg_imm<bitrev>);
  set(Op::kCvExtractr, reg_reg<extract>);
  set(Op::kCvExtractur, reg_reg<extractu>);
  set(Op::kCvInsertr, accumulate<insert>);
  set(Op::kCvBclrr, reg_reg<bclr>);
  set(Op::kCvBsetr, reg_reg<bset>);
  set(Op::kCvRor, reg_reg<ror>);
  set(Op::kCvFf1, unary<ff1>);
  set(Op::kCvFl1, unary<fl1>);
  set(Op::kCvClb, unary<clb>);
  set(Op::kCvCnt, unary<cnt>);
  set(Op::kCvAbs, unary<abs>);
  set(Op::kCvSlet, reg_reg<slet>);
  set(Op::kCvSletu, reg_reg<sletu>);
  set(Op::kCvMin, reg_reg<min>);
  set(Op::kCvMinu, reg_reg<minu>);
  set(Op::kCvMax, reg_reg<max>);
  set(Op::kCvMaxu, reg_reg<maxu>);
  set(Op::kCvExths, unary<exths>);
  set(Op::kCvExthz, unary<exthz>);
  set(Op::kCvExtbs, unary<extbs>);
  set(Op::kCvExtbz, unary<extbz>);
  set(Op::kCvClip, reg_imm<clip>);
  set(Op::kCvClipu, reg_imm<clipu>);
  set(Op::kCvClipr, reg_reg<clip>);
  set(Op::kCvClipur, reg_reg<clipu>);
  set_normalise<false>(table, Op::kCvAddn, Op::kCvAddnr);
  set_normalise<true>(table, Op::kCvSubn, Op::kCvSubnr);
  set(Op::kCvMac, accumulate<mac>);
  set(Op::kCvMsu, accumulate<msu>);
  set_mul16<false, false>(table, Op::kCvMulsn);
  set_mul16<false, true>(table, Op::kCvMulun);
  set_mul16<true, false>(table, Op::kCvMacsn);
  set_mul16<true, true>(table, Op::kCvMacun);
}

}  // namespace etude::isa
