// SPDX-License-Identifier: Apache-2.0
// CORE-V custom instructions. Source: CV32E40P user manual v2, "CORE-V Instruction Set Custom
// Extensions" (openhwgroup/cv32e40p, docs/source/instruction_set_extensions.rst); which reserved
// fields must be zero: its decoder RTL.
#include "models/iss/isa/op_info.h"

namespace etude::isa {
namespace {

Op gate(bool enabled, Op op) { return enabled ? op : Op::kIllegal; }

Op select_custom0(std::uint32_t word, const IsaConfig& isa) {
  switch (field(word, 14, 12)) {
    case 0:
      return gate(isa.xcvmem, Op::kCvLbPost);
    case 1:
      return gate(isa.xcvmem, Op::kCvLhPost);
    case 2:
      return gate(isa.xcvmem, Op::kCvLwPost);
    case 3:
      return gate(isa.xcvelw && isa.corev_cluster, Op::kCvElw);
    case 4:
      return gate(isa.xcvmem, Op::kCvLbuPost);
    case 5:
      return gate(isa.xcvmem, Op::kCvLhuPost);
    case 6:
      return gate(isa.xcvbi, Op::kCvBeqimm);
    default:
      return gate(isa.xcvbi, Op::kCvBneimm);
  }
}

Op select_hwloop(std::uint32_t word) {
  const std::uint32_t op4 = field(word, 11, 8);
  if (op4 > 7) {
    return Op::kIllegal;
  }
  const Op op = nth(Op::kCvStarti, op4);
  switch (op_info(op).format) {
    case Format::kLoopAddr:
    case Format::kLoopCount:
      return gate(field(word, 19, 15) == 0, op);
    case Format::kLoopReg:
      return gate(field(word, 31, 20) == 0, op);
    default:
      return op;
  }
}

// Load and store with a register offset: funct7 0000000..0010111.
Op select_indexed(std::uint32_t f7, const IsaConfig& isa) {
  const std::uint32_t size = f7 & 3;
  const bool keep_base = (f7 & 4) != 0;
  if (!isa.xcvmem || size == 3) {
    return Op::kIllegal;
  }
  if ((f7 & 0x10) != 0) {
    return gate((f7 & 8) == 0, nth(keep_base ? Op::kCvSbReg : Op::kCvSbPostReg, size));
  }
  const bool is_unsigned = (f7 & 8) != 0;
  if (is_unsigned && size == 2) {
    return Op::kIllegal;
  }
  return nth(keep_base ? Op::kCvLbReg : Op::kCvLbPostReg, size + (is_unsigned ? 3 : 0));
}

Op select_register(std::uint32_t word, const IsaConfig& isa) {
  const std::uint32_t f7 = field(word, 31, 25);
  const bool no_rs2 = field(word, 24, 20) == 0;
  if (f7 < 0x18) {
    return select_indexed(f7, isa);
  }
  switch (f7) {
    case 0x18:
    case 0x19:
      return gate(isa.xcvbitmanip, nth(Op::kCvExtractr, f7 - 0x18));
    case 0x1a:
      return gate(isa.xcvbitmanip, Op::kCvInsertr);
    case 0x1c:
    case 0x1d:
      return gate(isa.xcvbitmanip, nth(Op::kCvBclrr, f7 - 0x1c));
    case 0x20:
      return gate(isa.xcvbitmanip, Op::kCvRor);
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
      return gate(isa.xcvbitmanip && no_rs2, nth(Op::kCvFf1, f7 - 0x21));
    case 0x28:
      return gate(isa.xcvalu && no_rs2, Op::kCvAbs);
    case 0x29:
    case 0x2a:
    case 0x2b:
    case 0x2c:
    case 0x2d:
    case 0x2e:
      return gate(isa.xcvalu, nth(Op::kCvSlet, f7 - 0x29));
    case 0x30:
    case 0x31:
    case 0x32:
    case 0x33:
      return gate(isa.xcvalu && no_rs2, nth(Op::kCvExths, f7 - 0x30));
    case 0x38:
    case 0x39:
    case 0x3a:
    case 0x3b:
      return gate(isa.xcvalu, nth(Op::kCvClip, f7 - 0x38));
    case 0x40:
    case 0x41:
    case 0x42:
    case 0x43:
    case 0x44:
    case 0x45:
    case 0x46:
    case 0x47:
      return gate(isa.xcvalu, nth(Op::kCvAddnr, f7 - 0x40));
    case 0x48:
    case 0x49:
      return gate(isa.xcvmac, nth(Op::kCvMac, f7 - 0x48));
    default:
      return Op::kIllegal;
  }
}

Op select_custom1(std::uint32_t word, const IsaConfig& isa) {
  const std::uint32_t f3 = field(word, 14, 12);
  switch (f3) {
    case 0:
    case 1:
    case 2:
      return gate(isa.xcvmem, nth(Op::kCvSbPost, f3));
    case 3:
      return select_register(word, isa);
    case 4:
      return gate(isa.xcvhwlp, select_hwloop(word));
    default:
      return Op::kIllegal;
  }
}

Op select_custom2(std::uint32_t word, const IsaConfig& isa) {
  const std::uint32_t f2 = field(word, 31, 30);
  // The groups of eight are listed as: f2 bit 0 (high halves, or unsigned), then f2 bit 1 (round).
  switch (field(word, 14, 12)) {
    case 0:
      return gate(isa.xcvbitmanip && f2 <= 2, nth(Op::kCvExtract, f2));
    case 1:
      if (f2 == 3) {
        return gate(isa.xcvbitmanip && field(word, 29, 27) == 0, Op::kCvBitrev);
      }
      return gate(isa.xcvbitmanip && f2 <= 1, nth(Op::kCvBclr, f2));
    case 2:
      return gate(isa.xcvalu, nth(Op::kCvAddn, f2));
    case 3:
      return gate(isa.xcvalu, nth(Op::kCvSubn, f2));
    case 4:
      return gate(isa.xcvmac, nth(Op::kCvMulsn, f2));
    case 5:
      return gate(isa.xcvmac, nth(Op::kCvMulun, f2));
    case 6:
      return gate(isa.xcvmac, nth(Op::kCvMacsn, f2));
    default:
      return gate(isa.xcvmac, nth(Op::kCvMacun, f2));
  }
}

Op select_lane(std::uint32_t f3) {
  constexpr Op kOf[8] = {Op::kCvExtractH, Op::kCvExtractB, Op::kCvExtractuH, Op::kCvExtractuB,
                         Op::kCvInsertH,  Op::kCvInsertB,  Op::kIllegal,     Op::kIllegal};
  return kOf[f3];
}

Op select_custom3(std::uint32_t word) {
  const std::uint32_t f6 = field(word, 31, 26);
  const std::uint32_t f3 = field(word, 14, 12);
  const std::uint32_t bit25 = field(word, 25, 25);
  const unsigned bytes = f3 & 1;
  const unsigned form = f3 >> 1;  // 0 vector, 2 scalar, 3 immediate
  const bool regular = form == 3 || (form != 1 && bit25 == 0);
  const bool vector_only = form == 0 && bit25 == 0;
  if (f6 <= 26 && (f6 & 1) == 0) {
    return gate(regular, nth(Op::kCvAddH, f6 + bytes));
  }
  if (f6 <= 19) {
    return gate(regular, nth(Op::kCvCmpeqH, f6 - 1 + bytes));
  }
  if (f6 >= 32 && f6 <= 42 && (f6 & 1) == 0) {
    return gate(regular, nth(Op::kCvDotupH, f6 - 32 + bytes));
  }
  switch (f6) {
    case 21:
      return gate(bytes == 0, nth(Op::kCvCplxmulR, bit25));
    case 23:
      return gate(f3 == 0 && field(word, 25, 20) == 0, Op::kCvCplxconj);
    case 25:
      return gate(bytes == 0 && bit25 == 0, Op::kCvSubrotmj);
    case 27:
      return gate(bytes == 0 && bit25 == 0 && form != 0, Op::kCvAddDiv);
    case 29:
      return gate(bytes == 0 && bit25 == 0 && form != 0, Op::kCvSubDiv);
    case 28:
      return gate(form == 0 && field(word, 25, 20) == 0, nth(Op::kCvAbsH, bytes));
    case 46:
      return select_lane(f3);
    case 48:
      if (form == 3) {
        return bytes != 0 ? Op::kCvShuffleI0B : Op::kCvShuffleH;
      }
      return gate(vector_only, nth(Op::kCvShuffleH, bytes));
    case 50:
    case 52:
    case 54:
      return gate(f3 == 7, nth(Op::kCvShuffleI1B, (f6 - 50) / 2));
    case 56:
      return gate(vector_only, nth(Op::kCvShuffle2H, bytes));
    case 60:
      return gate(f3 == 0, nth(Op::kCvPack, bit25));
    case 62:
      return gate(f3 == 1, nth(Op::kCvPackloB, bit25));
    default:
      return Op::kIllegal;
  }
}

// Immediate operand of a SIMD instruction, spread over the elements as the register form has it.
std::uint32_t simd_immediate(Op op, std::uint32_t imm6, bool bytes) {
  if (op == Op::kCvShuffleH) {
    return (imm6 & 1) | (imm6 & 2) << 15;
  }
  if (op >= Op::kCvShuffleI0B && op <= Op::kCvShuffleI3B) {
    const unsigned top = static_cast<unsigned>(op) - static_cast<unsigned>(Op::kCvShuffleI0B);
    return field(imm6, 1, 0) | field(imm6, 3, 2) << 8 | field(imm6, 5, 4) << 16 | top << 24;
  }
  const std::uint32_t value =
      simd_immediate_is_unsigned(op) ? imm6 : static_cast<std::uint32_t>(sign_extend(imm6, 6));
  return bytes ? (value & 0xffu) * 0x01010101u : (value & 0xffffu) * 0x00010001u;
}

std::int32_t imm_b(std::uint32_t word) {
  return sign_extend(field(word, 31, 31) << 12 | field(word, 7, 7) << 11 |
                         field(word, 30, 25) << 5 | field(word, 11, 8) << 1,
                     13);
}

}  // namespace

bool simd_immediate_is_unsigned(Op op) {
  const auto in = [op](Op first, Op last) { return op >= first && op <= last; };
  return in(Op::kCvAvguH, Op::kCvAvguB) || in(Op::kCvMinuH, Op::kCvMinuB) ||
         in(Op::kCvMaxuH, Op::kCvMaxuB) || in(Op::kCvSrlH, Op::kCvSllB) ||
         in(Op::kCvCmpgtuH, Op::kCvCmpleuB) || in(Op::kCvDotupH, Op::kCvDotupB) ||
         in(Op::kCvSdotupH, Op::kCvSdotupB) || in(Op::kCvShuffleH, Op::kCvShuffleI3B);
}

Op select_corev(std::uint32_t word, const IsaConfig& isa) {
  switch (field(word, 6, 0)) {
    case 0x0b:
      return select_custom0(word, isa);
    case 0x2b:
      return select_custom1(word, isa);
    case 0x5b:
      return select_custom2(word, isa);
    default:
      return gate(isa.xcvsimd, select_custom3(word));
  }
}

void fill_corev(Instr& instr, std::uint32_t word, Format format) {
  constexpr std::uint16_t kTwo = kReadsRs1 | kReadsRs2 | kWritesRd;
  const auto imm = [&instr](std::uint32_t value) { instr.imm = static_cast<std::int32_t>(value); };
  const auto accumulate = [&instr] {
    instr.flags |= kReadsRs3;
    instr.c = instr.rd;
  };
  const std::uint32_t imm6 = field(word, 24, 20) << 1 | field(word, 25, 25);
  switch (format) {
    case Format::kCvLoadPost:
      instr.flags = kReadsRs1 | kWritesRd | kPostIncrement;
      instr.imm = static_cast<std::int32_t>(word) >> 20;
      break;
    case Format::kCvLoadPostReg:
      instr.flags = kTwo | kPostIncrement | kIndexed;
      break;
    case Format::kCvLoadReg:
      instr.flags = kTwo | kIndexed;
      break;
    case Format::kCvStorePost:
      instr.flags = kReadsRs1 | kReadsRs2 | kPostIncrement;
      instr.imm = sign_extend(field(word, 31, 25) << 5 | field(word, 11, 7), 12);
      break;
    case Format::kCvStorePostReg:
      instr.flags = kReadsRs1 | kReadsRs2 | kPostIncrement | kIndexed;
      accumulate();
      break;
    case Format::kCvStoreReg:
      instr.flags = kReadsRs1 | kReadsRs2 | kIndexed;
      accumulate();
      break;
    case Format::kCvBranchImm:
      instr.flags = kReadsRs1;
      instr.imm = imm_b(word);
      break;
    case Format::kLoopAddr:
      imm(field(word, 31, 20) << 2);
      break;
    case Format::kLoopCount:
    case Format::kLoopSetupImm:
      imm(field(word, 31, 20));
      break;
    case Format::kLoopReg:
      instr.flags = kReadsRs1;
      break;
    case Format::kLoopSetup:
      instr.flags = kReadsRs1;
      imm(field(word, 31, 20) << 2);
      break;
    case Format::kRAcc:
      instr.flags = kTwo;
      accumulate();
      break;
    case Format::kUnary:
      instr.flags = kReadsRs1 | kWritesRd;
      break;
    case Format::kRShift:
    case Format::kRShiftAcc:
      instr.flags = kTwo;
      imm(field(word, 29, 25));
      if (format == Format::kRShiftAcc) {
        accumulate();
      }
      break;
    case Format::kBitField:
    case Format::kBitFieldAcc:
      // As rs2 of the register form: position in bits 4:0, length - 1 in bits 9:5.
      instr.flags = kReadsRs1 | kWritesRd;
      imm(field(word, 29, 25) << 5 | field(word, 24, 20));
      if (format == Format::kBitFieldAcc) {
        accumulate();
      }
      break;
    case Format::kClip:
      // The upper limit 2^(Is2-1) - 1, and 0 for Is2 = 0: the register form's rs2.
      instr.flags = kReadsRs1 | kWritesRd;
      imm(((1u << field(word, 24, 20)) >> 1) - (field(word, 24, 20) != 0 ? 1u : 0u));
      break;
    case Format::kSimd:
    case Format::kSimdAcc: {
      const std::uint32_t form = field(word, 14, 13);
      instr.flags = kReadsRs1 | kWritesRd | (form == 3 ? 0 : kReadsRs2);
      instr.mode = form == 3 ? 2 : form == 2 ? 1 : 0;
      imm(form == 3 ? simd_immediate(instr.op, imm6, field(word, 12, 12) != 0) : 0);
      if (format == Format::kSimdAcc) {
        accumulate();
      }
      break;
    }
    case Format::kLane:
    case Format::kLaneAcc:
      instr.flags = kReadsRs1 | kWritesRd;
      imm(imm6);
      if (format == Format::kLaneAcc) {
        accumulate();
      }
      break;
    case Format::kComplex:
    case Format::kComplexAcc:
      instr.flags = kTwo;
      instr.mode = static_cast<std::uint8_t>(field(word, 14, 13));
      if (format == Format::kComplexAcc) {
        accumulate();
      }
      break;
    default:
      break;
  }
  if (instr.timing == TimingClass::kHwLoop) {
    instr.mode = static_cast<std::uint8_t>(field(word, 7, 7));
  }
}

}  // namespace etude::isa
