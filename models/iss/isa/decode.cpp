// SPDX-License-Identifier: Apache-2.0
#include "models/iss/isa/decode.h"

#include "models/iss/isa/op_info.h"

namespace etude {
namespace isa {
namespace {

constexpr OpInfo kInfo[kOps] = {
#define ETUDE_ISA_ROW(name, mnemonic, timing, format) \
  {mnemonic, TimingClass::timing, Format::format},
    ETUDE_ISA_OPS(ETUDE_ISA_ROW)
#undef ETUDE_ISA_ROW
};

Op select_load(std::uint32_t f3) {
  switch (f3) {
    case 0:
      return Op::kLb;
    case 1:
      return Op::kLh;
    case 2:
      return Op::kLw;
    case 4:
      return Op::kLbu;
    case 5:
      return Op::kLhu;
    default:
      return Op::kIllegal;
  }
}

Op select_branch(std::uint32_t f3) {
  constexpr Op kOf[8] = {Op::kBeq, Op::kBne, Op::kIllegal, Op::kIllegal,
                         Op::kBlt, Op::kBge, Op::kBltu,    Op::kBgeu};
  return kOf[f3];
}

Op select_op_imm(std::uint32_t word) {
  const std::uint32_t f7 = field(word, 31, 25);
  switch (field(word, 14, 12)) {
    case 0:
      return Op::kAddi;
    case 1:
      return f7 == 0 ? Op::kSlli : Op::kIllegal;
    case 2:
      return Op::kSlti;
    case 3:
      return Op::kSltiu;
    case 4:
      return Op::kXori;
    case 5:
      return f7 == 0 ? Op::kSrli : f7 == 0x20 ? Op::kSrai : Op::kIllegal;
    case 6:
      return Op::kOri;
    default:
      return Op::kAndi;
  }
}

// Xfvec on binary16 (funct3 010, with lane 0 of rs2 for both lanes 110).
Op select_packed(std::uint32_t f7, std::uint32_t f3) {
  if ((f3 & 3) != 2) {
    return Op::kIllegal;
  }
  switch (f7) {
    case 0x41:
      return Op::kVfaddH;
    case 0x42:
      return Op::kVfsubH;
    case 0x43:
      return Op::kVfmulH;
    case 0x45:
      return Op::kVfminH;
    case 0x46:
      return Op::kVfmaxH;
    case 0x48:
      return Op::kVfmacH;
    default:
      return Op::kIllegal;
  }
}

Op select_op(std::uint32_t word, const IsaConfig& isa) {
  constexpr Op kBase[8] = {Op::kAdd, Op::kSll, Op::kSlt, Op::kSltu,
                           Op::kXor, Op::kSrl, Op::kOr,  Op::kAnd};
  const std::uint32_t f3 = field(word, 14, 12);
  switch (field(word, 31, 25)) {
    case 0:
      return kBase[f3];
    case 1:
      return isa.m ? nth(Op::kMul, f3) : Op::kIllegal;
    case 0x20:
      return f3 == 0 ? Op::kSub : f3 == 5 ? Op::kSra : Op::kIllegal;
    default:
      return isa.xfvec ? select_packed(field(word, 31, 25), f3) : Op::kIllegal;
  }
}

Op select_system(std::uint32_t word, const IsaConfig& isa) {
  switch (word) {
    case 0x00000073:
      return Op::kEcall;
    case 0x00100073:
      return Op::kEbreak;
    case 0x30200073:
      return Op::kMret;
    case 0x10500073:
      return Op::kWfi;
    default:
      break;
  }
  const std::uint32_t f3 = field(word, 14, 12);
  if (!isa.zicsr || (f3 & 3) == 0) {
    return Op::kIllegal;
  }
  return nth(f3 < 4 ? Op::kCsrrw : Op::kCsrrwi, (f3 & 3) - 1);
}

// Distance between an instruction on binary32 and the same on binary16 in the list of op.h, for
// everything from fmadd to fclass.
constexpr unsigned kHalfOffset =
    static_cast<unsigned>(Op::kFmaddH) - static_cast<unsigned>(Op::kFmaddS);
static_assert(nth(Op::kFcvtSWu, kHalfOffset) == Op::kFcvtHWu);

Op select_fp(std::uint32_t word, const IsaConfig& isa) {
  const std::uint32_t format = field(word, 26, 25);
  const bool half = format == 2;
  if (!isa.fp() || (format != 0 && !(half && isa.zhinx))) {
    return Op::kIllegal;
  }
  const auto sized = [&](Op op) { return half ? nth(op, kHalfOffset) : op; };
  const std::uint32_t f3 = field(word, 14, 12);
  const std::uint32_t rs2 = field(word, 24, 20);
  switch (field(word, 31, 27)) {
    case 0x00:
      return sized(Op::kFaddS);
    case 0x01:
      return sized(Op::kFsubS);
    case 0x02:
      return sized(Op::kFmulS);
    case 0x03:
      return sized(Op::kFdivS);
    case 0x0b:
      return rs2 == 0 ? sized(Op::kFsqrtS) : Op::kIllegal;
    case 0x04:
      return f3 <= 2 ? sized(nth(Op::kFsgnjS, f3)) : Op::kIllegal;
    case 0x05:
      return f3 <= 1 ? sized(nth(Op::kFminS, f3)) : Op::kIllegal;
    case 0x14:
      return f3 <= 2 ? sized(nth(Op::kFeqS, 2 - f3)) : Op::kIllegal;
    case 0x18:
      return rs2 <= 1 ? sized(nth(Op::kFcvtWS, rs2)) : Op::kIllegal;
    case 0x1a:
      return rs2 <= 1 ? sized(nth(Op::kFcvtSW, rs2)) : Op::kIllegal;
    case 0x08:
      if (!isa.zhinx || rs2 != (half ? 0u : 2u)) {
        return Op::kIllegal;
      }
      return half ? Op::kFcvtHS : Op::kFcvtSH;
    case 0x1c:
      if (rs2 != 0) {
        return Op::kIllegal;
      }
      // There is nothing to move between when f values live in x registers.
      return f3 == 1 ? sized(Op::kFclassS) : f3 == 0 && isa.f ? Op::kFmvXW : Op::kIllegal;
    case 0x1e:
      return rs2 == 0 && f3 == 0 && isa.f ? Op::kFmvWX : Op::kIllegal;
    default:
      return Op::kIllegal;
  }
}

Op select(std::uint32_t word, const IsaConfig& isa) {
  const std::uint32_t f3 = field(word, 14, 12);
  switch (field(word, 6, 0)) {
    case 0x37:
      return Op::kLui;
    case 0x17:
      return Op::kAuipc;
    case 0x6f:
      return Op::kJal;
    case 0x67:
      return f3 == 0 ? Op::kJalr : Op::kIllegal;
    case 0x63:
      return select_branch(f3);
    case 0x03:
      return select_load(f3);
    case 0x23:
      return f3 <= 2 ? nth(Op::kSb, f3) : Op::kIllegal;
    case 0x13:
      return select_op_imm(word);
    case 0x33:
      return select_op(word, isa);
    case 0x0f:
      return f3 == 0 ? Op::kFence : f3 == 1 && isa.zifencei ? Op::kFenceI : Op::kIllegal;
    case 0x73:
      return select_system(word, isa);
    case 0x07:
      return isa.f && f3 == 2 ? Op::kFlw : Op::kIllegal;
    case 0x27:
      return isa.f && f3 == 2 ? Op::kFsw : Op::kIllegal;
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f: {
      const std::uint32_t format = field(word, 26, 25);
      const unsigned n = field(word, 3, 2);
      if (isa.fp() && format == 0) {
        return nth(Op::kFmaddS, n);
      }
      return isa.zhinx && format == 2 ? nth(Op::kFmaddH, n) : Op::kIllegal;
    }
    case 0x53:
      return select_fp(word, isa);
    case 0x0b:
    case 0x2b:
    case 0x5b:
    case 0x7b:
      return select_corev(word, isa);
    default:
      return Op::kIllegal;
  }
}

std::int32_t imm_i(std::uint32_t word) { return static_cast<std::int32_t>(word) >> 20; }
std::int32_t imm_s(std::uint32_t word) {
  return sign_extend(field(word, 31, 25) << 5 | field(word, 11, 7), 12);
}
std::int32_t imm_b(std::uint32_t word) {
  return sign_extend(field(word, 31, 31) << 12 | field(word, 7, 7) << 11 |
                         field(word, 30, 25) << 5 | field(word, 11, 8) << 1,
                     13);
}
std::int32_t imm_j(std::uint32_t word) {
  return sign_extend(field(word, 31, 31) << 20 | field(word, 19, 12) << 12 |
                         field(word, 20, 20) << 11 | field(word, 30, 21) << 1,
                     21);
}

// Operands of the standard formats. Returns false if the rounding mode makes the word illegal.
bool fill_standard(Instr& instr, std::uint32_t word, Format format) {
  switch (format) {
    case Format::kU:
      instr.flags = kWritesRd;
      instr.imm = static_cast<std::int32_t>(word & 0xfffff000u);
      break;
    case Format::kJal:
      instr.flags = kWritesRd;
      instr.imm = imm_j(word);
      break;
    case Format::kJalr:
    case Format::kLoad:
    case Format::kI:
      instr.flags = kReadsRs1 | kWritesRd;
      instr.imm = imm_i(word);
      break;
    case Format::kShift:
      instr.flags = kReadsRs1 | kWritesRd;
      instr.imm = static_cast<std::int32_t>(field(word, 24, 20));
      break;
    case Format::kBranch:
      instr.flags = kReadsRs1 | kReadsRs2;
      instr.imm = imm_b(word);
      break;
    case Format::kStore:
      instr.flags = kReadsRs1 | kReadsRs2;
      instr.imm = imm_s(word);
      break;
    case Format::kR:
      instr.flags = kReadsRs1 | kReadsRs2 | kWritesRd;
      break;
    case Format::kCsr:
      instr.flags = kReadsRs1 | kWritesRd;
      instr.imm = static_cast<std::int32_t>(field(word, 31, 20));
      break;
    case Format::kCsrImm:
      instr.flags = kWritesRd | kCsrImmediate;
      instr.imm = static_cast<std::int32_t>(field(word, 31, 20));
      break;
    case Format::kFpLoad:
      instr.flags = kReadsRs1 | kWritesRd | kFpRd | kFp;
      instr.imm = imm_i(word);
      break;
    case Format::kFpStore:
      instr.flags = kReadsRs1 | kReadsRs2 | kFpRs2 | kFp;
      instr.imm = imm_s(word);
      break;
    case Format::kFp4:
    case Format::kFpRound2:
    case Format::kFp2:
      instr.flags = kReadsRs1 | kReadsRs2 | kWritesRd | kFpRs1 | kFpRs2 | kFpRd | kFp;
      break;
    case Format::kFpRound1:
      instr.flags = kReadsRs1 | kWritesRd | kFpRs1 | kFpRs2 | kFpRd | kFp;
      break;
    case Format::kFpCompare:
      instr.flags = kReadsRs1 | kReadsRs2 | kWritesRd | kFpRs1 | kFpRs2 | kFp;
      break;
    case Format::kFpToInt:
    case Format::kFpRoundToInt:
      instr.flags = kReadsRs1 | kWritesRd | kFpRs1 | kFpRs2 | kFp;
      break;
    case Format::kIntToFp:
    case Format::kIntToFpRound:
      instr.flags = kReadsRs1 | kWritesRd | kFpRs2 | kFpRd | kFp;
      break;
    case Format::kPacked:
    case Format::kPackedAcc:
      instr.flags = kReadsRs1 | kReadsRs2 | kWritesRd | kFp;
      instr.mode = static_cast<std::uint8_t>(field(word, 14, 14));
      if (instr.op != Op::kVfminH && instr.op != Op::kVfmaxH) {
        instr.flags |= kDynamicRm;  // there is no room for another rounding mode
      }
      if (format == Format::kPackedAcc) {
        instr.flags |= kReadsRs3;
        instr.c = instr.rd;
      }
      break;
    default:
      break;
  }
  if (format == Format::kFp4) {
    instr.flags |= kReadsRs3 | kFpRs3;
  }
  if (format == Format::kFp4 || format == Format::kFpRound2 || format == Format::kFpRound1 ||
      format == Format::kFpRoundToInt || format == Format::kIntToFpRound) {
    instr.mode = static_cast<std::uint8_t>(field(word, 14, 12));
    if (instr.mode == 7) {
      instr.flags |= kDynamicRm;
    }
    return instr.mode <= 4 || instr.mode == 7;
  }
  return true;
}

void fill_access(Instr& instr) {
  const Op op = instr.op;
  const auto in = [op](Op first, unsigned n) { return op >= first && op < nth(first, n); };
  constexpr std::uint8_t kLoadBytes[5] = {1, 2, 4, 1, 2};
  for (const Op first : {Op::kLb, Op::kCvLbPost, Op::kCvLbPostReg, Op::kCvLbReg}) {
    if (in(first, 5)) {
      const unsigned n = static_cast<unsigned>(op) - static_cast<unsigned>(first);
      instr.bytes = kLoadBytes[n];
      instr.flags |= n < 2 ? kSignedLoad : 0;
    }
  }
  for (const Op first : {Op::kSb, Op::kCvSbPost, Op::kCvSbPostReg, Op::kCvSbReg}) {
    if (in(first, 3)) {
      instr.bytes = static_cast<std::uint8_t>(
          1u << (static_cast<unsigned>(op) - static_cast<unsigned>(first)));
    }
  }
  if (op == Op::kFlw || op == Op::kFsw || op == Op::kCvElw) {
    instr.bytes = 4;
  }
}

}  // namespace

const OpInfo& op_info(Op op) { return kInfo[static_cast<unsigned>(op)]; }

const HandlerTable& handlers() {
  static const HandlerTable kTable = [] {
    HandlerTable table{};
    add_integer_handlers(table);
    add_fp_handlers(table);
    add_packed_fp_handlers(table);
    add_corev_handlers(table);
    add_simd_handlers(table);
    return table;
  }();
  return kTable;
}

}  // namespace isa

Instr decode(std::uint32_t fetched, const IsaConfig& isa) {
  using isa::field;
  Instr instr;
  std::uint32_t word = fetched;
  if ((fetched & 3u) != 3u) {
    instr.word = fetched & 0xffffu;
    instr.length = 2;
    word = expand_compressed(static_cast<std::uint16_t>(fetched), isa);
    instr.flags = kCompressed;
  } else {
    instr.word = fetched;
    instr.length = 4;
  }
  const auto none = [&] {
    Instr illegal;
    illegal.word = instr.word;
    illegal.length = instr.length;
    illegal.flags = instr.flags & kCompressed;
    return illegal;
  };
  instr.op = isa::select(word, isa);
  if (word == 0 || instr.op == Op::kIllegal) {
    return none();
  }
  const isa::OpInfo& info = isa::op_info(instr.op);
  instr.timing = info.timing;
  instr.run = isa::handlers()[static_cast<unsigned>(instr.op)];
  const auto u8 = [](std::uint32_t value) { return static_cast<std::uint8_t>(value); };
  instr.rd = u8(field(word, 11, 7));
  instr.rs1 = u8(field(word, 19, 15));
  instr.rs2 = u8(field(word, 24, 20));
  instr.rs3 = u8(field(word, 31, 27));
  instr.a = instr.rs1;
  instr.b = instr.rs2;
  instr.c = instr.rs3;
  const std::uint16_t compressed = instr.flags;
  instr.flags = 0;
  if (info.format < isa::Format::kCvLoadPost) {
    if (!isa::fill_standard(instr, word, info.format)) {
      return none();
    }
  } else {
    isa::fill_corev(instr, word, info.format);
  }
  instr.flags |= compressed;
  isa::fill_access(instr);
  if (isa.f) {
    const auto to_f = [&](std::uint8_t& index, unsigned flag) {
      index = instr.has(flag) ? u8(index + kFpRegs) : index;
    };
    to_f(instr.a, kFpRs1);
    to_f(instr.b, kFpRs2);
    to_f(instr.c, kFpRs3);
  } else {
    // Zfinx: floating-point operands are x registers.
    instr.flags &= static_cast<std::uint16_t>(~(kFpRs1 | kFpRs2 | kFpRs3 | kFpRd));
  }
  if (instr.has(kWritesRd)) {
    instr.d = instr.has(kFpRd) ? u8(kFpRegs + instr.rd) : instr.rd == 0 ? u8(kSinkReg) : instr.rd;
  }
  return instr;
}

}  // namespace etude
