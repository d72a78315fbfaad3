// SPDX-License-Identifier: Apache-2.0
// F, Zfinx, Zhinx on the arithmetic of models/numerics. Operand indices already tell f from x
// registers. Under Zhinx a binary16 result fills the upper half of its x register with the sign
// (unprivileged specification, "Zfinx", processing of narrower values).
#include "models/iss/isa/execute.h"
#include "models/iss/isa/op_info.h"
#include "models/numerics/softfloat.h"

namespace etude::isa {
namespace {

using U = std::uint32_t;
using H = std::uint16_t;
using fp::Rounding;

Rounding rounding(const Instr& i, const ArchState& s) {
  return static_cast<Rounding>(i.mode == 7 ? s.frm : i.mode);
}
H half(U value) { return static_cast<H>(value); }
U widen(H value) {
  return static_cast<U>(static_cast<std::int32_t>(static_cast<std::int16_t>(value)));
}
constexpr U kSign32 = 0x80000000u;
constexpr H kSign16 = 0x8000u;

// Every handler marks the floating-point state dirty; mstatus shows it under F only.
void put(const Instr& i, ArchState& s, U value) {
  s.r[i.d] = value;
  s.fs = 3;
}

template <U kProduct, U kAddend>
void fma32(const Instr& i, ArchState& s) {
  put(i, s,
      fp::f32_fma(s.r[i.a] ^ kProduct, s.r[i.b], s.r[i.c] ^ kAddend, rounding(i, s), s.fflags));
}
template <H kProduct, H kAddend>
void fma16(const Instr& i, ArchState& s) {
  put(i, s,
      widen(fp::f16_fma(half(s.r[i.a]) ^ kProduct, half(s.r[i.b]), half(s.r[i.c]) ^ kAddend,
                        rounding(i, s), s.fflags)));
}
template <U (*F)(U, U, Rounding, U&)>
void round2(const Instr& i, ArchState& s) {
  put(i, s, F(s.r[i.a], s.r[i.b], rounding(i, s), s.fflags));
}
template <H (*F)(H, H, Rounding, U&)>
void round2h(const Instr& i, ArchState& s) {
  put(i, s, widen(F(half(s.r[i.a]), half(s.r[i.b]), rounding(i, s), s.fflags)));
}
template <U (*F)(U, U, U&)>
void minmax(const Instr& i, ArchState& s) {
  put(i, s, F(s.r[i.a], s.r[i.b], s.fflags));
}
template <H (*F)(H, H, U&)>
void minmaxh(const Instr& i, ArchState& s) {
  put(i, s, widen(F(half(s.r[i.a]), half(s.r[i.b]), s.fflags)));
}
template <U (*F)(U, U)>
void sign(const Instr& i, ArchState& s) {
  put(i, s, F(s.r[i.a], s.r[i.b]));
}
template <H (*F)(H, H)>
void signh(const Instr& i, ArchState& s) {
  put(i, s, widen(F(half(s.r[i.a]), half(s.r[i.b]))));
}
template <bool (*F)(U, U, U&)>
void compare(const Instr& i, ArchState& s) {
  put(i, s, F(s.r[i.a], s.r[i.b], s.fflags) ? 1 : 0);
}
template <bool (*F)(H, H, U&)>
void compareh(const Instr& i, ArchState& s) {
  put(i, s, F(half(s.r[i.a]), half(s.r[i.b]), s.fflags) ? 1 : 0);
}
template <auto F>
void to_integer(const Instr& i, ArchState& s) {
  put(i, s, static_cast<U>(F(s.r[i.a], rounding(i, s), s.fflags)));
}
template <auto F>
void to_integerh(const Instr& i, ArchState& s) {
  put(i, s, static_cast<U>(F(half(s.r[i.a]), rounding(i, s), s.fflags)));
}
template <auto F>
void from_integer(const Instr& i, ArchState& s) {
  put(i, s, F(s.r[i.a], rounding(i, s), s.fflags));
}
template <auto F>
void from_integerh(const Instr& i, ArchState& s) {
  put(i, s, widen(F(s.r[i.a], rounding(i, s), s.fflags)));
}

U i32_to_f32(U a, Rounding rm, U& flags) {
  return fp::i32_to_f32(static_cast<std::int32_t>(a), rm, flags);
}
H i32_to_f16(U a, Rounding rm, U& flags) {
  return fp::i32_to_f16(static_cast<std::int32_t>(a), rm, flags);
}
void fsqrt32(const Instr& i, ArchState& s) {
  put(i, s, fp::f32_sqrt(s.r[i.a], rounding(i, s), s.fflags));
}
void fsqrt16(const Instr& i, ArchState& s) {
  put(i, s, widen(fp::f16_sqrt(half(s.r[i.a]), rounding(i, s), s.fflags)));
}
void class32(const Instr& i, ArchState& s) { put(i, s, fp::f32_classify(s.r[i.a])); }
void class16(const Instr& i, ArchState& s) { put(i, s, fp::f16_classify(half(s.r[i.a]))); }
void move(const Instr& i, ArchState& s) { put(i, s, s.r[i.a]); }
void f16_to_f32(const Instr& i, ArchState& s) {
  put(i, s, fp::f16_to_f32(half(s.r[i.a]), s.fflags));
}
void f32_to_f16(const Instr& i, ArchState& s) {
  put(i, s, widen(fp::f32_to_f16(s.r[i.a], rounding(i, s), s.fflags)));
}

}  // namespace

void add_fp_handlers(HandlerTable& table) {
  const auto set = [&table](Op op, Handler handler) { table[static_cast<unsigned>(op)] = handler; };
  set(Op::kFmaddS, fma32<0, 0>);
  set(Op::kFmsubS, fma32<0, kSign32>);
  set(Op::kFnmsubS, fma32<kSign32, 0>);
  set(Op::kFnmaddS, fma32<kSign32, kSign32>);
  set(Op::kFaddS, round2<fp::f32_add>);
  set(Op::kFsubS, round2<fp::f32_sub>);
  set(Op::kFmulS, round2<fp::f32_mul>);
  set(Op::kFdivS, round2<fp::f32_div>);
  set(Op::kFsqrtS, fsqrt32);
  set(Op::kFsgnjS, sign<fp::f32_sgnj>);
  set(Op::kFsgnjnS, sign<fp::f32_sgnjn>);
  set(Op::kFsgnjxS, sign<fp::f32_sgnjx>);
  set(Op::kFminS, minmax<fp::f32_min>);
  set(Op::kFmaxS, minmax<fp::f32_max>);
  set(Op::kFeqS, compare<fp::f32_eq>);
  set(Op::kFltS, compare<fp::f32_lt>);
  set(Op::kFleS, compare<fp::f32_le>);
  set(Op::kFclassS, class32);
  set(Op::kFcvtWS, to_integer<fp::f32_to_i32>);
  set(Op::kFcvtWuS, to_integer<fp::f32_to_u32>);
  set(Op::kFcvtSW, from_integer<i32_to_f32>);
  set(Op::kFcvtSWu, from_integer<fp::u32_to_f32>);
  set(Op::kFmvXW, move);
  set(Op::kFmvWX, move);
  set(Op::kFmaddH, fma16<0, 0>);
  set(Op::kFmsubH, fma16<0, kSign16>);
  set(Op::kFnmsubH, fma16<kSign16, 0>);
  set(Op::kFnmaddH, fma16<kSign16, kSign16>);
  set(Op::kFaddH, round2h<fp::f16_add>);
  set(Op::kFsubH, round2h<fp::f16_sub>);
  set(Op::kFmulH, round2h<fp::f16_mul>);
  set(Op::kFdivH, round2h<fp::f16_div>);
  set(Op::kFsqrtH, fsqrt16);
  set(Op::kFsgnjH, signh<fp::f16_sgnj>);
  set(Op::kFsgnjnH, signh<fp::f16_sgnjn>);
  set(Op::kFsgnjxH, signh<fp::f16_sgnjx>);
  set(Op::kFminH, minmaxh<fp::f16_min>);
  set(Op::kFmaxH, minmaxh<fp::f16_max>);
  set(Op::kFeqH, compareh<fp::f16_eq>);
  set(Op::kFltH, compareh<fp::f16_lt>);
  set(Op::kFleH, compareh<fp::f16_le>);
  set(Op::kFclassH, class16);
  set(Op::kFcvtWH, to_integerh<fp::f16_to_i32>);
  set(Op::kFcvtWuH, to_integerh<fp::f16_to_u32>);
  set(Op::kFcvtHW, from_integerh<i32_to_f16>);
  set(Op::kFcvtHWu, from_integerh<fp::u32_to_f16>);
  set(Op::kFcvtSH, f16_to_f32);
  set(Op::kFcvtHS, f32_to_f16);
}

}  // namespace etude::isa
