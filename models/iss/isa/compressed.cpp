// SPDX-License-Identifier: Apache-2.0
// Compressed instructions are what their 32-bit expansions are (unprivileged specification, chapter
// "C" Standard Extension); the core's pipeline, too, decodes the expansion.
#include "models/iss/isa/decode.h"
#include "models/iss/isa/op_info.h"

namespace etude {
namespace {

using isa::field;

constexpr std::uint32_t kSp = 2;

std::uint32_t i_type(std::uint32_t opcode, std::uint32_t f3, std::uint32_t rd, std::uint32_t rs1,
                     std::uint32_t imm) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | imm << 20;
}

std::uint32_t r_type(std::uint32_t f7, std::uint32_t f3, std::uint32_t rd, std::uint32_t rs1,
                     std::uint32_t rs2) {
  return 0x33u | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

std::uint32_t s_type(std::uint32_t opcode, std::uint32_t rs1, std::uint32_t rs2,
                     std::uint32_t imm) {
  return opcode | field(imm, 4, 0) << 7 | 2u << 12 | rs1 << 15 | rs2 << 20 |
         field(imm, 11, 5) << 25;
}

std::uint32_t jal(std::uint32_t rd, std::uint32_t h) {
  const auto offset = static_cast<std::uint32_t>(isa::sign_extend(
      field(h, 12, 12) << 11 | field(h, 11, 11) << 4 | field(h, 10, 9) << 8 | field(h, 8, 8) << 10 |
          field(h, 7, 7) << 6 | field(h, 6, 6) << 7 | field(h, 5, 3) << 1 | field(h, 2, 2) << 5,
      12));
  return 0x6fu | rd << 7 | field(offset, 19, 12) << 12 | field(offset, 11, 11) << 20 |
         field(offset, 10, 1) << 21 | field(offset, 20, 20) << 31;
}

std::uint32_t branch(std::uint32_t f3, std::uint32_t rs1, std::uint32_t h) {
  const auto offset = static_cast<std::uint32_t>(
      isa::sign_extend(field(h, 12, 12) << 8 | field(h, 11, 10) << 3 | field(h, 6, 5) << 6 |
                           field(h, 4, 3) << 1 | field(h, 2, 2) << 5,
                       9));
  return 0x63u | field(offset, 11, 11) << 7 | field(offset, 4, 1) << 8 | f3 << 12 | rs1 << 15 |
         field(offset, 10, 5) << 25 | field(offset, 12, 12) << 31;
}

std::uint32_t quadrant0(std::uint32_t h, bool f) {
  const std::uint32_t rd = 8 + field(h, 4, 2);
  const std::uint32_t rs1 = 8 + field(h, 9, 7);
  const std::uint32_t offset = field(h, 12, 10) << 3 | field(h, 6, 6) << 2 | field(h, 5, 5) << 6;
  switch (field(h, 15, 13)) {
    case 0: {
      const std::uint32_t imm =
          field(h, 12, 11) << 4 | field(h, 10, 7) << 6 | field(h, 6, 6) << 2 | field(h, 5, 5) << 3;
      return imm == 0 ? 0 : i_type(0x13, 0, rd, kSp, imm);
    }
    case 2:
      return i_type(0x03, 2, rd, rs1, offset);
    case 3:
      return f ? i_type(0x07, 2, rd, rs1, offset) : 0;
    case 6:
      return s_type(0x23, rs1, rd, offset);
    case 7:
      return f ? s_type(0x27, rs1, rd, offset) : 0;
    default:
      return 0;
  }
}

std::uint32_t quadrant1_alu(std::uint32_t h, std::uint32_t imm) {
  const std::uint32_t rd = 8 + field(h, 9, 7);
  const std::uint32_t rs2 = 8 + field(h, 4, 2);
  const bool bit12 = field(h, 12, 12) != 0;
  switch (field(h, 11, 10)) {
    case 0:
      return bit12 ? 0 : i_type(0x13, 5, rd, rd, field(h, 6, 2));
    case 1:
      return bit12 ? 0 : i_type(0x13, 5, rd, rd, 0x400u | field(h, 6, 2));
    case 2:
      return i_type(0x13, 7, rd, rd, imm);
    default:
      break;
  }
  if (bit12) {
    return 0;
  }
  constexpr std::uint32_t kF3[4] = {0, 4, 6, 7};
  const std::uint32_t which = field(h, 6, 5);
  return r_type(which == 0 ? 0x20 : 0, kF3[which], rd, rd, rs2);
}

std::uint32_t quadrant1(std::uint32_t h) {
  const std::uint32_t rd = field(h, 11, 7);
  const std::uint32_t imm6 = field(h, 12, 12) << 5 | field(h, 6, 2);
  const std::uint32_t imm = static_cast<std::uint32_t>(isa::sign_extend(imm6, 6)) & 0xfffu;
  switch (field(h, 15, 13)) {
    case 0:
      return i_type(0x13, 0, rd, rd, imm);
    case 1:
      return jal(1, h);
    case 2:
      return i_type(0x13, 0, rd, 0, imm);
    case 3: {
      if (rd == kSp) {
        const auto step = static_cast<std::uint32_t>(
            isa::sign_extend(field(h, 12, 12) << 9 | field(h, 6, 6) << 4 | field(h, 5, 5) << 6 |
                                 field(h, 4, 3) << 7 | field(h, 2, 2) << 5,
                             10));
        return step == 0 ? 0 : i_type(0x13, 0, kSp, kSp, step & 0xfffu);
      }
      const auto upper = static_cast<std::uint32_t>(isa::sign_extend(imm6, 6)) << 12;
      return imm6 == 0 ? 0 : 0x37u | rd << 7 | upper;
    }
    case 4:
      return quadrant1_alu(h, imm);
    case 5:
      return jal(0, h);
    default:
      return branch(field(h, 13, 13), 8 + field(h, 9, 7), h);
  }
}

std::uint32_t quadrant2(std::uint32_t h, bool f) {
  const std::uint32_t rd = field(h, 11, 7);
  const std::uint32_t rs2 = field(h, 6, 2);
  const bool bit12 = field(h, 12, 12) != 0;
  const std::uint32_t load_offset =
      field(h, 12, 12) << 5 | field(h, 6, 4) << 2 | field(h, 3, 2) << 6;
  const std::uint32_t store_offset = field(h, 12, 9) << 2 | field(h, 8, 7) << 6;
  switch (field(h, 15, 13)) {
    case 0:
      return bit12 ? 0 : i_type(0x13, 1, rd, rd, rs2);
    case 2:
      return rd == 0 ? 0 : i_type(0x03, 2, rd, kSp, load_offset);
    case 3:
      return f ? i_type(0x07, 2, rd, kSp, load_offset) : 0;
    case 4:
      if (rs2 != 0) {
        return r_type(0, 0, rd, bit12 ? rd : 0, rs2);
      }
      if (rd == 0) {
        return bit12 ? 0x00100073u : 0;
      }
      return i_type(0x67, 0, bit12 ? 1 : 0, rd, 0);
    case 6:
      return s_type(0x23, kSp, rs2, store_offset);
    case 7:
      return f ? s_type(0x27, kSp, rs2, store_offset) : 0;
    default:
      return 0;
  }
}

}  // namespace

std::uint32_t expand_compressed(std::uint16_t half, const IsaConfig& isa) {
  if (!isa.c) {
    return 0;
  }
  switch (half & 3u) {
    case 0:
      return quadrant0(half, isa.f);
    case 1:
      return quadrant1(half);
    case 2:
      return quadrant2(half, isa.f);
    default:
      return 0;
  }
}

}  // namespace etude
