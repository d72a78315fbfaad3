// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/iss/isa/instr.h"
#include "models/iss/isa/isa_config.h"

namespace etude::isa {

/// Which operands an instruction has and where its encoding keeps them.
enum class Format : std::uint8_t {
  kNone,
  kU,
  kJal,
  kJalr,
  kBranch,
  kLoad,
  kStore,
  kI,
  kShift,
  kR,
  kFence,
  kCsr,
  kCsrImm,
  kFpLoad,
  kFpStore,
  kFp4,
  kFpRound2,
  kFpRound1,
  kFp2,
  kFpCompare,
  kFpToInt,
  kFpRoundToInt,
  kIntToFp,
  kIntToFpRound,
  kPacked,          // rd, rs1, rs2; two binary16 lanes each
  kPackedAcc,       // rd (also read), rs1, rs2
  kCvLoadPost,      // rd, (rs1), imm
  kCvLoadPostReg,   // rd, (rs1), rs2
  kCvLoadReg,       // rd, rs2(rs1)
  kCvStorePost,     // rs2, (rs1), imm
  kCvStorePostReg,  // rs2, (rs1), rs3 in the rd field
  kCvStoreReg,      // rs2, rs3(rs1)
  kCvBranchImm,     // rs1, simm5, offset
  kLoopAddr,        // L, address
  kLoopCount,       // L, count
  kLoopReg,         // L, rs1
  kLoopSetupImm,    // L, count, address (5 bits in the rs1 field)
  kLoopSetup,       // L, rs1, address
  kRAcc,            // rd (also read), rs1, rs2
  kUnary,           // rd, rs1
  kRShift,          // rd, rs1, rs2, Is3
  kRShiftAcc,       // rd (also read), rs1, rs2, Is3
  kBitField,        // rd, rs1, Is3, Is2
  kBitFieldAcc,     // rd (also read), rs1, Is3, Is2
  kClip,            // rd, rs1, Is2
  kSimd,            // rd, rs1, rs2 or imm6
  kSimdAcc,         // rd (also read), rs1, rs2 or imm6
  kLane,            // rd, rs1, imm6
  kLaneAcc,         // rd (also read), rs1, imm6
  kComplex,         // rd, rs1, rs2; mode = log2 of the divisor
  kComplexAcc,      // rd (also read), rs1, rs2
};

/// What the encoding tables say of one operation.
struct OpInfo {
  const char* mnemonic;
  TimingClass timing;
  Format format;
};

/// The row of `op`.
const OpInfo& op_info(Op op);

using Handler = void (*)(const Instr&, ArchState&);
/// The function that carries out an operation, or nullptr where execute() has no part in it.
using HandlerTable = std::array<Handler, kOps>;
void add_integer_handlers(HandlerTable& table);
void add_fp_handlers(HandlerTable& table);
void add_packed_fp_handlers(HandlerTable& table);
void add_corev_handlers(HandlerTable& table);
void add_simd_handlers(HandlerTable& table);
/// All of them, by operation.
const HandlerTable& handlers();

/// The operation of a CORE-V custom word (major opcodes 0x0b, 0x2b, 0x5b, 0x7b), or Op::kIllegal.
Op select_corev(std::uint32_t word, const IsaConfig& isa);

/// Sets operands, immediate and flags of a CORE-V format.
void fill_corev(Instr& instr, std::uint32_t word, Format format);

/// True if the .sci form of a SIMD operation zero-extends its 6-bit immediate.
bool simd_immediate_is_unsigned(Op op);

/// Bits hi..lo of `word`.
constexpr std::uint32_t field(std::uint32_t word, unsigned hi, unsigned lo) {
  return (word >> lo) & ((2u << (hi - lo)) - 1u);
}
/// The n-th operation after `first` in the list of op.h.
constexpr Op nth(Op first, unsigned n) { return static_cast<Op>(static_cast<unsigned>(first) + n); }
/// The low `bits` bits of `value`, sign-extended.
constexpr std::int32_t sign_extend(std::uint32_t value, unsigned bits) {
  return static_cast<std::int32_t>(value << (32u - bits)) >> (32u - bits);
}

}  // namespace etude::isa
