// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/iss/isa/instr.h"

namespace etude {

/// How straight code in a calm pipeline takes an instruction.
enum class CalmKind : std::uint8_t {
  kUnknown,  ///< not looked at yet, or what stands behind it is not decoded
  kStop,     ///< not in a straight run
  // One cycle in EX, the result is there in the next.
  kExecute,  ///< by Instr::run
  kConstant,
  kAddi,
  kAdd,
  kSub,
  kSlli,
  kSrli,
  kAndi,
  // An FPU operation whose result the next instruction may have to wait for.
  kFpAddMul,
  kFpOther,
  kFmaddNearest,   ///< fmadd.s, to nearest or as frm says
  kFnmsubNearest,  ///< fnmsub.s likewise
  // Data accesses.
  kLoadWord,
  kLoadWordPost,
  kStoreWord,
  kStoreWordPost,
  kLoadWordPostBy,  ///< a register
  kAccess,          ///< other integer ones
  kEventLoad,       ///< cv.elw
  // Conditional branches.
  kBeq,
  kBne,
  kBlt,
  kBge,
  kBltu,
  kBgeu,
};

/// An Instr in short, as Core::run_calm() reads it: 16 bytes beside each slot of the decode cache.
struct CalmOp {
  CalmKind kind{CalmKind::kUnknown};
  std::uint8_t step{0};  ///< bytes from this operation to that of the next instruction
  std::uint8_t a{0}, b{0}, c{0}, d{0};
  /// Of a data access: the register that rs1's new value goes to, and the one that it names (0xff:
  /// none).
  std::uint8_t written{kSinkReg}, named{0xff};
  std::int32_t imm{0};  ///< of kConstant the value, of a shift masked
  /// The instruction behind it names its result or has operand fields that count as read.
  bool awaited{false};
  TimingClass timing{TimingClass::kIllegal};

  /// Bytes of the instruction.
  unsigned bytes() const { return step / (sizeof(CalmOp) / 2); }
  /// The operation of the next instruction.
  const CalmOp* behind() const {
    return reinterpret_cast<const CalmOp*>(reinterpret_cast<const char*>(this) + step);
  }

  /// Operation of `instr` at `pc`; `next` is what stands behind it: decoded, empty if it was not
  /// decoded yet (then the answer may be kUnknown), or nullptr on another page.
  static CalmOp of(const Instr& instr, const Instr* next, std::uint32_t pc, bool compressed);
};
static_assert(sizeof(CalmOp) == 16);

/// Classes whose unused operand fields count as read by the FPU dispatcher.
inline constexpr std::uint32_t kFieldsCount = 1u << static_cast<unsigned>(TimingClass::kFpOther) |
                                              1u << static_cast<unsigned>(TimingClass::kFpDivSqrt) |
                                              1u << static_cast<unsigned>(TimingClass::kHwLoop) |
                                              1u << static_cast<unsigned>(TimingClass::kFence);

}  // namespace etude
