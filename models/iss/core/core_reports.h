// SPDX-License-Identifier: Apache-2.0
// What a core tells about itself.
#pragma once

#include <array>
#include <cstdint>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/iss/isa/arch_state.h"
#include "models/iss/isa/instr.h"

namespace etude {

/// An instruction as it leaves the pipeline.
struct Retired {
  Cycle enter;  ///< first cycle in EX
  Cycle leave;  ///< first cycle in which EX is free again
  std::uint32_t pc{};
  const Instr* instr{};
};

/// The last exception that a core took.
struct TrapInfo {
  bool taken{false};
  Cause cause{Cause::kIllegal};
  std::uint32_t pc{};
  std::uint32_t tval{};
};

/// Counters of the instructions of a core, by TimingClass.
inline std::array<Counter, 18> instruction_counters() {
  return {{
      {"alu", "instructions", "integer ALU, bit manipulation and packed SIMD"},
      {"mul", "instructions", "multiplications, MAC and dot products of one cycle"},
      {"mulh", "instructions", "upper halves of products"},
      {"div", "instructions", "integer divisions and remainders"},
      {"loads", "instructions", "loads"},
      {"stores", "instructions", "stores"},
      {"branches", "instructions", "conditional branches"},
      {"jal", "instructions", "direct jumps"},
      {"jalr", "instructions", "indirect jumps"},
      {"csr", "instructions", "CSR instructions"},
      {"fences", "instructions", "fence and fence.i"},
      {"fp_addmul", "instructions", "FP additions, multiplications, fused ones"},
      {"fp_other", "instructions", "FP comparisons, conversions, sign and moves"},
      {"fp_divsqrt", "instructions", "FP divisions and roots"},
      {"hw_loops", "instructions", "hardware-loop set-up"},
      {"event_loads", "instructions", "cv.elw"},
      {"system", "instructions", "mret and wfi"},
      {"traps", "instructions", "instructions that raised an exception instead of retiring"},
  }};
}

}  // namespace etude
