// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "sim/engine/debugger.h"

namespace etude {

/// The registers of a hart with the numbers that GDB has for RISC-V (its gdb/riscv-tdep.h): x0..x31
/// from 0, pc 32, f0..f31 from 33, control and status registers from 65.
namespace gdb_registers {

inline constexpr std::uint32_t kPc = 32, kFloats = 33, kCsrs = 65;

/// The description of the target: what the cores have, float registers only with the F extension
/// (with Zfinx floats are in x registers).
std::string target_xml(const DebugTarget& target);
/// x0..x31, pc and f0..f31 in hexadecimal, little-endian each; `pc` is the hart's.
std::string all(const DebugTarget& target, unsigned hart, std::uint32_t pc);
/// Number of registers in all().
unsigned count_of_all(const DebugTarget& target);
/// One register in hexadecimal; "xxxxxxxx" if it cannot be read now; empty if there is none.
std::string one(const DebugTarget& target, unsigned hart, std::uint64_t number, std::uint32_t pc);
/// False if there is no such register, or it cannot be written now.
bool write(DebugTarget& target, unsigned hart, std::uint64_t number, std::uint32_t value);

}  // namespace gdb_registers
}  // namespace etude
