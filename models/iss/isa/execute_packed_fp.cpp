// SPDX-License-Identifier: Apache-2.0
// Xfvec, PULP's packed floating point: two binary16 numbers in one x register. Every lane is what
// Zhinx computes of it, rounded once as frm says. Encodings: opcode 0x33, funct7 = "10" and the
// operation, funct3 010 (binary16) or 110 (lane 0 of rs2 for both lanes).
#include "models/iss/isa/execute.h"
#include "models/iss/isa/op_info.h"
#include "models/numerics/softfloat.h"

namespace etude::isa {
namespace {

using U = std::uint32_t;
using H = std::uint16_t;
using fp::Rounding;

H low(U value) { return static_cast<H>(value); }
H high(U value) { return static_cast<H>(value >> 16); }
U pack(H upper, H lower) { return U{upper} << 16 | lower; }
/// rs2 as the lanes see it.
U second(const Instr& i, const ArchState& s) {
  const U b = s.r[i.b];
  return i.mode != 0 ? pack(low(b), low(b)) : b;
}

template <H (*F)(H, H, Rounding, U&)>
void arithmetic(const Instr& i, ArchState& s) {
  const U a = s.r[i.a], b = second(i, s);
  const auto rm = static_cast<Rounding>(s.frm);
  s.r[i.d] = pack(F(high(a), high(b), rm, s.fflags), F(low(a), low(b), rm, s.fflags));
  s.fs = 3;
  ++s.packed_addmul;
}
void multiply_accumulate(const Instr& i, ArchState& s) {
  const U a = s.r[i.a], b = second(i, s), c = s.r[i.c];
  const auto rm = static_cast<Rounding>(s.frm);
  s.r[i.d] = pack(fp::f16_fma(high(a), high(b), high(c), rm, s.fflags),
                  fp::f16_fma(low(a), low(b), low(c), rm, s.fflags));
  s.fs = 3;
  ++s.packed_addmul;
}
template <H (*F)(H, H, U&)>
void minmax(const Instr& i, ArchState& s) {
  const U a = s.r[i.a], b = second(i, s);
  s.r[i.d] = pack(F(high(a), high(b), s.fflags), F(low(a), low(b), s.fflags));
  s.fs = 3;
  ++s.packed_other;
}

}  // namespace

void add_packed_fp_handlers(HandlerTable& table) {
  const auto set = [&table](Op op, Handler handler) { table[static_cast<unsigned>(op)] = handler; };
  set(Op::kVfaddH, arithmetic<fp::f16_add>);
  set(Op::kVfsubH, arithmetic<fp::f16_sub>);
  set(Op::kVfmulH, arithmetic<fp::f16_mul>);
  set(Op::kVfminH, minmax<fp::f16_min>);
  set(Op::kVfmaxH, minmax<fp::f16_max>);
  set(Op::kVfmacH, multiply_accumulate);
}

}  // namespace etude::isa
