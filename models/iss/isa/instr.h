// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/iss/isa/op.h"

namespace etude {

struct ArchState;
struct Instr;

/// How the pipeline treats an instruction; the core's timing rules are written per class.
enum class TimingClass : std::uint8_t {
  kAlu,        ///< integer ALU, CORE-V ALU, bit manipulation, packed SIMD ALU
  kMul,        ///< mul, cv.mac, 16-bit multiplications, dot products: one cycle
  kMulh,       ///< mulh, mulhsu, mulhu
  kDiv,        ///< div, divu, rem, remu
  kLoad,       ///< loads, also post-increment and register-indexed, also flw
  kStore,      ///< stores, also post-increment and register-indexed, also fsw
  kBranch,     ///< beq... and cv.beqimm, cv.bneimm
  kJal,        ///< jal
  kJalr,       ///< jalr
  kCsr,        ///< csrrw...; the number is in `imm`
  kFence,      ///< fence, fence.i
  kFpAddMul,   ///< fadd, fsub, fmul, fmadd...
  kFpOther,    ///< compare, min, max, sign injection, class, conversions, moves
  kFpDivSqrt,  ///< fdiv, fsqrt
  kHwLoop,     ///< cv.start ... cv.setup
  kEventLoad,  ///< cv.elw
  kSystem,     ///< ecall, ebreak, mret, wfi
  kIllegal,    ///< not an instruction of this hart
};

/// Properties of an instruction, a bit each.
enum InstrFlag : std::uint16_t {
  kReadsRs1 = 1u << 0,  ///< operand `a` is read
  kReadsRs2 = 1u << 1,  ///< operand `b` is read
  kReadsRs3 = 1u << 2,  ///< operand `c` is read (fmadd's rs3, or rd of cv.mac and of cv.insert)
  kWritesRd = 1u << 3,  ///< register `d` is written (also when it is the sink of x0)
  kFpRs1 = 1u << 4,     ///< `a` is an f register (F extension only)
  kFpRs2 = 1u << 5,     ///< `b` is an f register
  kFpRs3 = 1u << 6,     ///< `c` is an f register
  kFpRd = 1u << 7,      ///< `d` is an f register
  kPostIncrement = 1u << 8,  ///< rs1 is written with rs1 + increment
  kIndexed = 1u << 9,        ///< offset or increment is a register (rs2 of a load, rs3 of a store)
  kSignedLoad = 1u << 10,    ///< sub-word load is sign-extended
  kCompressed = 1u << 11,    ///< 16-bit encoding
  kFp = 1u << 12,            ///< needs mstatus.FS != 0 under the F extension
  kDynamicRm = 1u << 13,     ///< rounds with frm, which must hold a valid mode
  kCsrImmediate = 1u << 14,  ///< csrr.i: the operand is the rs1 field itself
};

/// Index of the first f register in ArchState::r.
inline constexpr unsigned kFpRegs = 32;
/// Index of the register that swallows writes to x0.
inline constexpr unsigned kSinkReg = 64;

/// One decoded instruction: 32 bytes, decoded once per address and cached.
struct Instr {
  /// Value semantics of classes kAlu, kMul, kMulh, kDiv, kFp*, kHwLoop; call it through execute().
  void (*run)(const Instr&, ArchState&) = nullptr;
  std::uint32_t word = 0;  ///< as fetched; a compressed one in the low 16 bits
  std::int32_t imm = 0;    ///< immediate, sign-extended as the instruction wants it; or CSR number
  Op op = Op::kIllegal;
  std::uint8_t length = 0;  ///< 2 or 4 bytes; 0 only in an empty cache slot
  TimingClass timing = TimingClass::kIllegal;
  /// Operands as indices of ArchState::r (x = 0..31, f = 32..63). They hold the register that the
  /// raw field names in this instruction's own file even where it is not read.
  std::uint8_t a = 0, b = 0, c = 0;
  std::uint8_t d = kSinkReg;  ///< destination; kSinkReg when rd is x0 or nothing is written
  /// Raw fields [11:7], [19:15], [24:20], [31:27] of the (expanded) 32-bit encoding.
  std::uint8_t rd = 0, rs1 = 0, rs2 = 0, rs3 = 0;
  std::uint16_t flags = 0;
  std::uint8_t bytes = 0;  ///< size of the data access: 1, 2, 4; else 0
  /// Rounding mode field of an FP operation; operand mode of a SIMD one (0 vector, 1 scalar, 2
  /// immediate; packed FP: 1 if lane 0 of rs2 serves both lanes); loop number of a hardware-loop
  /// instruction.
  std::uint8_t mode = 0;

  bool has(unsigned mask) const { return (flags & mask) != 0; }
};
static_assert(sizeof(Instr) == 32);

}  // namespace etude
