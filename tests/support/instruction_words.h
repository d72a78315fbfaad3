// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude::test {

/// Words of the base formats: registers by number, immediates cut to their field.
inline std::uint32_t r_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct7,
                            std::uint32_t rd, std::uint32_t rs1, std::uint32_t rs2) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
}
inline std::uint32_t i_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t rd,
                            std::uint32_t rs1, int imm) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
inline std::uint32_t s_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t rs1,
                            std::uint32_t rs2, int imm) {
  const std::uint32_t value = static_cast<std::uint32_t>(imm);
  return opcode | (value & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (value >> 5) << 25;
}
inline std::uint32_t lui(std::uint32_t rd, std::uint32_t value) {
  return (value & 0xfffff000u) | 0x37 | rd << 7;
}

/// Bits of `offset` of a branch, jal, c.beqz or c.j, in their places.
inline std::uint32_t branch_bits(int offset) {
  const std::uint32_t v = static_cast<std::uint32_t>(offset);
  return ((v >> 11) & 1) << 7 | ((v >> 1) & 15) << 8 | ((v >> 5) & 63) << 25 | (v >> 12) << 31;
}
inline std::uint32_t jal_bits(int offset) {
  const std::uint32_t v = static_cast<std::uint32_t>(offset);
  return ((v >> 12) & 255) << 12 | ((v >> 11) & 1) << 20 | ((v >> 1) & 1023) << 21 |
         (v >> 20) << 31;
}
inline std::uint32_t c_branch_bits(int offset) {
  const std::uint32_t v = static_cast<std::uint32_t>(offset);
  return ((v >> 8) & 1) << 12 | ((v >> 3) & 3) << 10 | ((v >> 6) & 3) << 5 | ((v >> 1) & 3) << 3 |
         ((v >> 5) & 1) << 2;
}
inline std::uint32_t c_jump_bits(int offset) {
  const std::uint32_t v = static_cast<std::uint32_t>(offset);
  return ((v >> 11) & 1) << 12 | ((v >> 4) & 1) << 11 | ((v >> 8) & 3) << 9 | ((v >> 10) & 1) << 8 |
         ((v >> 6) & 1) << 7 | ((v >> 7) & 1) << 6 | ((v >> 1) & 7) << 3 | ((v >> 5) & 1) << 2;
}

}  // namespace etude::test
