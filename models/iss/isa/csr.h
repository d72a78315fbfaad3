// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "models/iss/isa/arch_state.h"
#include "models/iss/isa/instr.h"

namespace etude {

/// What a CSR instruction needs to know of the world outside the hart's registers.
struct CsrInputs {
  std::uint64_t cycle = 0;    ///< cycles since reset, as mcycle would count them
  std::uint64_t retired = 0;  ///< instructions retired before this one
  std::uint32_t mip = 0;      ///< interrupt lines that are up
  std::uint64_t gated =
      0;  ///< those of `cycle` in which the clock stood: mcycle has not counted them
};

/// Outcome of a CSR instruction.
enum class CsrResult : std::uint8_t {
  kOk,            ///< done
  kIgnoredWrite,  ///< done, but the write had no effect: warn once (PULP map, 0xCC0 and 0xCC1)
  kIllegal,       ///< nothing was changed: raise Cause::kIllegal
};

/// Executes csrrw, csrrs, csrrc and their immediate forms on machine-mode registers.
CsrResult csr_access(const Instr& instr, ArchState& state, const CsrInputs& inputs);

/// The value a read of CSR `number` gives, or nothing if there is no such register.
std::optional<std::uint32_t> csr_read(const ArchState& state, std::uint32_t number,
                                      const CsrInputs& inputs);

/// Takes the exception `cause` at state.pc: saves the pc, clears MIE, and moves pc to mtvec.
void enter_trap(ArchState& state, Cause cause, std::uint32_t tval);

/// Takes interrupt `line` (0..31) before the instruction at state.pc; vectored if mtvec says so.
void enter_interrupt(ArchState& state, unsigned line);

/// Returns from a trap: restores MIE, moves pc to mepc.
void mret(ArchState& state);

/// The interrupt to take now: the enabled line of the highest priority (CV32E40P: 31 down to 16,
/// then external 11, software 3, timer 7), if mstatus.MIE is set.
std::optional<unsigned> pending_interrupt(const ArchState& state, std::uint32_t mip);

}  // namespace etude
