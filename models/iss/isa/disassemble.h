// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "models/iss/isa/instr.h"
#include "models/iss/isa/isa_config.h"

namespace etude {

/// Assembly text of a decoded instruction, as clang-19 writes it ("cv.lw a0, (a1), 4"); hardware
/// loops as the CV32E40P manual writes them ("cv.setup 0, a0, 0x80000020"). Jump, branch and loop
/// targets are absolute, computed from `pc`.
std::string disassemble(const Instr& instr, std::uint32_t pc);

/// The same for an instruction word; ".word 0x..." if `isa` does not know it.
std::string disassemble(std::uint32_t word, const IsaConfig& isa, std::uint32_t pc);

}  // namespace etude
