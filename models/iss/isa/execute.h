// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "models/iss/isa/arch_state.h"
#include "models/iss/isa/instr.h"

namespace etude {

// How the timing loop uses this header, per TimingClass of the instruction at state.pc:
//   every class      illegal_now() first if instr.has(kFp)
//   kAlu kMul kMulh kDiv kFp* kHwLoop   execute()
//   kLoad kEventLoad effective_address(), post_increment(), then finish_load(data)
//   kStore           effective_address(), store_value(), then post_increment()
//   kBranch          branch_taken(); target = pc + imm
//   kJal kJalr       jump() writes the link register and gives the target
//   kCsr             csr_access() (csr.h)
//   kSystem kIllegal enter_trap(), mret() (csr.h); wfi is the caller's business
// then pc = next sequential address through loop_next(), or the target.

/// Writes the result of an instruction of class kAlu, kMul, kMulh, kDiv, kFp* or kHwLoop.
inline void execute(const Instr& instr, ArchState& state) { instr.run(instr, state); }

/// True if the instruction (with flag kFp or kDynamicRm) is illegal in the present state: FP off,
/// or rounding mode in frm not valid.
inline bool illegal_now(const Instr& instr, const ArchState& state) {
  return (instr.has(kFp) && state.has_f && state.fs == 0) ||
         (instr.has(kDynamicRm) && state.frm > 4);
}

/// Byte address of a load or store.
inline std::uint32_t effective_address(const Instr& instr, const ArchState& state) {
  const std::uint32_t base = state.r[instr.a];
  if (!instr.has(kPostIncrement | kIndexed)) [[likely]] {
    return base + static_cast<std::uint32_t>(instr.imm);
  }
  if (instr.has(kPostIncrement)) {
    return base;
  }
  return base + state.r[instr.timing == TimingClass::kStore ? instr.c : instr.b];
}

/// Data of a store, in the low `instr.bytes` bytes.
inline std::uint32_t store_value(const Instr& instr, const ArchState& state) {
  return state.r[instr.b];
}

/// Adds the increment to rs1 of a post-increment access. Call it before finish_load(): a load into
/// its own base register keeps the loaded value; and after store_value().
inline void post_increment(const Instr& instr, ArchState& state) {
  if (instr.has(kPostIncrement)) {
    const std::uint32_t step =
        instr.has(kIndexed) ? state.r[instr.timing == TimingClass::kStore ? instr.c : instr.b]
                            : static_cast<std::uint32_t>(instr.imm);
    const std::uint32_t sum = state.r[instr.a] + step;
    state.r[instr.a == 0 ? kSinkReg : instr.a] = sum;
  }
}

/// `data` (low bytes as read) as the load instruction delivers it.
inline std::uint32_t extend_load(const Instr& instr, std::uint32_t data) {
  if (instr.bytes == 4) [[likely]] {
    return data;
  }
  const unsigned shift = 32u - 8u * instr.bytes;
  data <<= shift;
  return instr.has(kSignedLoad)
             ? static_cast<std::uint32_t>(static_cast<std::int32_t>(data) >> shift)
             : data >> shift;
}

/// Writes the loaded data into the destination register.
inline void finish_load(const Instr& instr, ArchState& state, std::uint32_t data) {
  state.r[instr.d] = extend_load(instr, data);
  if (instr.has(kFpRd)) {
    state.fs = 3;
  }
}

/// Decision of a conditional branch.
inline bool branch_taken(const Instr& instr, const ArchState& state) {
  const std::uint32_t a = state.r[instr.a];
  const std::uint32_t b = state.r[instr.b];
  switch (instr.op) {
    case Op::kBeq:
      return a == b;
    case Op::kBne:
      return a != b;
    case Op::kBlt:
      return static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b);
    case Op::kBge:
      return static_cast<std::int32_t>(a) >= static_cast<std::int32_t>(b);
    case Op::kBltu:
      return a < b;
    case Op::kBgeu:
      return a >= b;
    case Op::kCvBeqimm:
    case Op::kCvBneimm: {
      // The rs2 field is a signed 5-bit immediate.
      const std::int32_t simm5 = static_cast<std::int32_t>(instr.rs2 << 27) >> 27;
      return (static_cast<std::int32_t>(a) == simm5) == (instr.op == Op::kCvBeqimm);
    }
    default:
      return false;
  }
}

/// Writes the link register of jal or jalr at state.pc and returns the target.
inline std::uint32_t jump(const Instr& instr, ArchState& state) {
  const auto imm = static_cast<std::uint32_t>(instr.imm);
  const std::uint32_t target =
      instr.op == Op::kJal ? state.pc + imm : (state.r[instr.a] + imm) & ~1u;
  state.r[instr.d] = state.pc + instr.length;
  return target;
}

/// True if a jump to `target` raises instruction-address-misaligned (never with compressed code).
/// Test it before jump(), which would write the link register.
inline bool fetch_misaligned(const ArchState& state, std::uint32_t target) {
  return !state.isa.c && (target & 2u) != 0;
}

/// Target of jal or jalr without any effect.
inline std::uint32_t jump_target(const Instr& instr, const ArchState& state) {
  const auto imm = static_cast<std::uint32_t>(instr.imm);
  return instr.op == Op::kJal ? state.pc + imm : (state.r[instr.a] + imm) & ~1u;
}

/// The end of a loop body was reached (slow path of loop_next()).
std::uint32_t loop_back_edge(ArchState& state, std::uint32_t sequential);

/// Where execution goes on after an instruction that is not a taken branch or jump: `sequential`,
/// or the start of a hardware loop whose body ends there (its count is then decremented).
inline std::uint32_t loop_next(ArchState& state, std::uint32_t sequential) {
  if (sequential != state.loop_watch[0] && sequential != state.loop_watch[1]) [[likely]] {
    return sequential;
  }
  return loop_back_edge(state, sequential);
}

}  // namespace etude
