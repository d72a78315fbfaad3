// SPDX-License-Identifier: Apache-2.0
#include "models/iss/isa/disassemble.h"

#include <cstdio>
#include <initializer_list>

#include "models/iss/isa/csr_names.h"
#include "models/iss/isa/decode.h"
#include "models/iss/isa/op_info.h"

namespace etude {
namespace {

using isa::field;
using isa::Format;

constexpr const char* kX[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr const char* kF[32] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

std::string reg(unsigned index) {
  return index >= kFpRegs && index < kSinkReg ? kF[index - kFpRegs] : kX[index & 31];
}
std::string number(std::int64_t value) { return std::to_string(value); }
std::string address(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string line(const std::string& mnemonic, std::initializer_list<std::string> operands) {
  std::string text = mnemonic;
  const char* separator = " ";
  for (const std::string& operand : operands) {
    if (!operand.empty()) {
      text += separator + operand;
      separator = ", ";
    }
  }
  return text;
}

// The rounding mode where it is not the dynamic one.
std::string rounding(const Instr& i) {
  constexpr const char* kNames[8] = {"rne", "rtz", "rdn", "rup", "rmm", "", "", ""};
  // Exact conversions are written without a mode when it is the assembler's default.
  const bool exact = i.op == Op::kFcvtSH;
  return exact && i.mode == 0 ? "" : kNames[i.mode];
}

// "cv.add.h" with its operand mode: "cv.add.sci.h".
std::string simd_mnemonic(const Instr& i) {
  std::string text = isa::op_info(i.op).mnemonic;
  if (i.mode != 0) {
    text.insert(text.size() - 2, i.mode == 1 ? ".sc" : ".sci");
  }
  return text;
}

std::string simd_operand(const Instr& i) {
  if (i.mode != 2) {
    return reg(i.b);
  }
  const std::uint32_t imm6 = field(i.word, 24, 20) << 1 | field(i.word, 25, 25);
  return number(isa::simd_immediate_is_unsigned(i.op) ? static_cast<std::int32_t>(imm6)
                                                      : isa::sign_extend(imm6, 6));
}

std::string fence(const Instr& i) {
  if (i.word == 0x8330000fu) {
    return "fence.tso";
  }
  const auto set = [](std::uint32_t bits) {
    std::string text;
    for (unsigned k = 0; k < 4; ++k) {
      if ((bits >> (3 - k) & 1u) != 0) {
        text += "iorw"[k];
      }
    }
    return text.empty() ? std::string("0") : text;
  };
  return line("fence", {set(field(i.word, 27, 24)), set(field(i.word, 23, 20))});
}

std::string corev(const Instr& i, std::uint32_t pc) {
  const isa::OpInfo& info = isa::op_info(i.op);
  const std::string m = info.mnemonic;
  const std::string rd = kX[i.rd];
  const std::string a = reg(i.a);
  const std::string b = reg(i.b);
  const std::string c = reg(i.c);
  const auto target = [pc](std::uint32_t offset) { return address(pc + offset); };
  const std::string loop = number(i.mode);
  switch (info.format) {
    case Format::kCvLoadPost:
      return line(m, {rd, "(" + a + ")", number(i.imm)});
    case Format::kCvLoadPostReg:
      return line(m, {rd, "(" + a + ")", b});
    case Format::kCvLoadReg:
      return line(m, {rd, b + "(" + a + ")"});
    case Format::kCvStorePost:
      return line(m, {b, "(" + a + ")", number(i.imm)});
    case Format::kCvStorePostReg:
      return line(m, {b, "(" + a + ")", c});
    case Format::kCvStoreReg:
      return line(m, {b, c + "(" + a + ")"});
    case Format::kCvBranchImm:
      return line(
          m, {a, number(isa::sign_extend(i.rs2, 5)), target(static_cast<std::uint32_t>(i.imm))});
    case Format::kLoopAddr:
      return line(m, {loop, target(static_cast<std::uint32_t>(i.imm))});
    case Format::kLoopCount:
      return line(m, {loop, number(i.imm)});
    case Format::kLoopReg:
      return line(m, {loop, a});
    case Format::kLoopSetupImm:
      return line(m, {loop, number(i.imm), target(4u * i.rs1)});
    case Format::kLoopSetup:
      return line(m, {loop, a, target(static_cast<std::uint32_t>(i.imm))});
    case Format::kUnary:
      return line(m, {rd, a});
    case Format::kRShift:
    case Format::kRShiftAcc:
      return line(m, {rd, a, b, number(i.imm)});
    case Format::kBitField:
    case Format::kBitFieldAcc:
      return line(m, {rd, a, number(field(i.word, 29, 25)), number(i.rs2)});
    case Format::kClip:
      return line(m, {rd, a, number(i.rs2)});
    case Format::kSimd:
    case Format::kSimdAcc:
      return line(simd_mnemonic(i), {rd, a, simd_operand(i)});
    case Format::kLane:
    case Format::kLaneAcc:
      return line(m, {rd, a, number(i.imm)});
    case Format::kComplex:
    case Format::kComplexAcc: {
      constexpr const char* kDivisor[4] = {"", ".div2", ".div4", ".div8"};
      return line(m + kDivisor[i.mode], {rd, a, b});
    }
    default:
      return line(m, {rd, a, b});
  }
}

std::string with_offset(const Instr& i, unsigned base) {
  return number(i.imm) + "(" + reg(base) + ")";
}

}  // namespace

std::string disassemble(const Instr& i, std::uint32_t pc) {
  const isa::OpInfo& info = isa::op_info(i.op);
  const std::string m = info.mnemonic;
  const std::string rd = i.has(kFpRd) ? kF[i.rd] : kX[i.rd];
  const std::string a = reg(i.a);
  const std::string b = reg(i.b);
  const std::uint32_t target = pc + static_cast<std::uint32_t>(i.imm);
  if (i.op == Op::kIllegal) {
    return line(i.length == 2 ? ".half" : ".word", {address(i.word)});
  }
  switch (info.format) {
    case Format::kNone:
      return info.mnemonic;
    case Format::kU:
      return line(m, {rd, number(static_cast<std::uint32_t>(i.imm) >> 12)});
    case Format::kJal:
      return line(m, {rd, address(target)});
    case Format::kJalr:
    case Format::kLoad:
    case Format::kFpLoad:
      return line(m, {rd, with_offset(i, i.a)});
    case Format::kBranch:
      return line(m, {a, b, address(target)});
    case Format::kStore:
    case Format::kFpStore:
      return line(m, {b, with_offset(i, i.a)});
    case Format::kI:
    case Format::kShift:
      return line(m, {rd, a, number(i.imm)});
    case Format::kFence:
      return fence(i);
    case Format::kCsr:
      return line(m, {rd, isa::csr_name(static_cast<std::uint32_t>(i.imm)), a});
    case Format::kCsrImm:
      return line(m, {rd, isa::csr_name(static_cast<std::uint32_t>(i.imm)), number(i.rs1)});
    case Format::kFp4:
      return line(m, {rd, a, b, reg(i.c), rounding(i)});
    case Format::kFpRound2:
      return line(m, {rd, a, b, rounding(i)});
    case Format::kFpRound1:
    case Format::kFpRoundToInt:
    case Format::kIntToFpRound:
      return line(m, {rd, a, rounding(i)});
    case Format::kFpToInt:
    case Format::kIntToFp:
      return line(m, {rd, a});
    case Format::kPacked:
    case Format::kPackedAcc:
      return line(m + (i.mode != 0 ? ".r.h" : ".h"), {rd, a, b});
    case Format::kR:
    case Format::kFp2:
    case Format::kFpCompare:
      return line(m, {rd, a, b});
    default:
      return corev(i, pc);
  }
}

std::string disassemble(std::uint32_t word, const IsaConfig& isa, std::uint32_t pc) {
  return disassemble(decode(word, isa), pc);
}

}  // namespace etude
