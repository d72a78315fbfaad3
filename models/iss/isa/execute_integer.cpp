// SPDX-License-Identifier: Apache-2.0
// RV32I and M; hardware loops.
#include <limits>

#include "models/iss/isa/execute.h"
#include "models/iss/isa/op_info.h"

namespace etude {
namespace isa {
namespace {

using U = std::uint32_t;
using I = std::int32_t;

I as_signed(U value) { return static_cast<I>(value); }

template <U (*F)(U, U)>
void reg_reg(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.a], s.r[i.b]);
}
template <U (*F)(U, U)>
void reg_imm(const Instr& i, ArchState& s) {
  s.r[i.d] = F(s.r[i.a], static_cast<U>(i.imm));
}

U add(U a, U b) { return a + b; }
U sub(U a, U b) { return a - b; }
U sll(U a, U b) { return a << (b & 31); }
U srl(U a, U b) { return a >> (b & 31); }
U sra(U a, U b) { return static_cast<U>(as_signed(a) >> (b & 31)); }
U slt(U a, U b) { return as_signed(a) < as_signed(b) ? 1 : 0; }
U sltu(U a, U b) { return a < b ? 1 : 0; }
U xor_(U a, U b) { return a ^ b; }
U or_(U a, U b) { return a | b; }
U and_(U a, U b) { return a & b; }

U mul(U a, U b) { return a * b; }
U mulh(U a, U b) {
  return static_cast<U>((static_cast<std::int64_t>(as_signed(a)) * as_signed(b)) >> 32);
}
U mulhsu(U a, U b) {
  return static_cast<U>((static_cast<std::int64_t>(as_signed(a)) * static_cast<std::int64_t>(b)) >>
                        32);
}
U mulhu(U a, U b) { return static_cast<U>((static_cast<std::uint64_t>(a) * b) >> 32); }

bool overflows(U a, U b) { return a == 0x80000000u && b == 0xffffffffu; }
U div(U a, U b) {
  if (b == 0) {
    return 0xffffffffu;
  }
  return overflows(a, b) ? a : static_cast<U>(as_signed(a) / as_signed(b));
}
U divu(U a, U b) { return b == 0 ? 0xffffffffu : a / b; }
U rem(U a, U b) {
  if (b == 0) {
    return a;
  }
  return overflows(a, b) ? 0 : static_cast<U>(as_signed(a) % as_signed(b));
}
U remu(U a, U b) { return b == 0 ? a : a % b; }

void lui(const Instr& i, ArchState& s) { s.r[i.d] = static_cast<U>(i.imm); }
void auipc(const Instr& i, ArchState& s) { s.r[i.d] = s.pc + static_cast<U>(i.imm); }

// Loop addresses are word addresses: their two low bits are hard-wired to zero.
constexpr U kWord = ~3u;

void loop_starti(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.start = (s.pc + static_cast<U>(i.imm)) & kWord;
  s.set_loop(i.mode, loop);
}
void loop_start(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.start = s.r[i.a] & kWord;
  s.set_loop(i.mode, loop);
}
void loop_endi(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.end = (s.pc + static_cast<U>(i.imm)) & kWord;
  s.set_loop(i.mode, loop);
}
void loop_end(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.end = s.r[i.a] & kWord;
  s.set_loop(i.mode, loop);
}
void loop_counti(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.count = static_cast<U>(i.imm);
  s.set_loop(i.mode, loop);
}
void loop_count(const Instr& i, ArchState& s) {
  HwLoop loop = s.loop[i.mode];
  loop.count = s.r[i.a];
  s.set_loop(i.mode, loop);
}
void loop_setupi(const Instr& i, ArchState& s) {
  s.set_loop(i.mode,
             HwLoop{(s.pc + 4) & kWord, (s.pc + 4u * i.rs1) & kWord, static_cast<U>(i.imm)});
}
void loop_setup(const Instr& i, ArchState& s) {
  s.set_loop(i.mode, HwLoop{(s.pc + 4) & kWord, (s.pc + static_cast<U>(i.imm)) & kWord, s.r[i.a]});
}

}  // namespace

void add_integer_handlers(HandlerTable& table) {
  const auto set = [&table](Op op, Handler handler) { table[static_cast<unsigned>(op)] = handler; };
  set(Op::kLui, lui);
  set(Op::kAuipc, auipc);
  set(Op::kAddi, reg_imm<add>);
  set(Op::kSlti, reg_imm<slt>);
  set(Op::kSltiu, reg_imm<sltu>);
  set(Op::kXori, reg_imm<xor_>);
  set(Op::kOri, reg_imm<or_>);
  set(Op::kAndi, reg_imm<and_>);
  set(Op::kSlli, reg_imm<sll>);
  set(Op::kSrli, reg_imm<srl>);
  set(Op::kSrai, reg_imm<sra>);
  set(Op::kAdd, reg_reg<add>);
  set(Op::kSub, reg_reg<sub>);
  set(Op::kSll, reg_reg<sll>);
  set(Op::kSlt, reg_reg<slt>);
  set(Op::kSltu, reg_reg<sltu>);
  set(Op::kXor, reg_reg<xor_>);
  set(Op::kSrl, reg_reg<srl>);
  set(Op::kSra, reg_reg<sra>);
  set(Op::kOr, reg_reg<or_>);
  set(Op::kAnd, reg_reg<and_>);
  set(Op::kMul, reg_reg<mul>);
  set(Op::kMulh, reg_reg<mulh>);
  set(Op::kMulhsu, reg_reg<mulhsu>);
  set(Op::kMulhu, reg_reg<mulhu>);
  set(Op::kDiv, reg_reg<div>);
  set(Op::kDivu, reg_reg<divu>);
  set(Op::kRem, reg_reg<rem>);
  set(Op::kRemu, reg_reg<remu>);
  set(Op::kCvStarti, loop_starti);
  set(Op::kCvStart, loop_start);
  set(Op::kCvEndi, loop_endi);
  set(Op::kCvEnd, loop_end);
  set(Op::kCvCounti, loop_counti);
  set(Op::kCvCount, loop_count);
  set(Op::kCvSetupi, loop_setupi);
  set(Op::kCvSetup, loop_setup);
}

}  // namespace isa

std::uint32_t loop_back_edge(ArchState& state, std::uint32_t sequential) {
  for (unsigned n = 0; n < 2; ++n) {
    if (state.loop_watch[n] != sequential) {
      continue;
    }
    HwLoop loop = state.loop[n];
    const bool again = loop.count > 1;
    --loop.count;
    state.set_loop(n, loop);
    if (again) {
      return loop.start;
    }
  }
  return sequential;
}

}  // namespace etude
