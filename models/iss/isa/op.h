// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Every instruction: enumerator, mnemonic as clang-19 writes it, timing class, operand format.
// The order inside a group is that of its encoding (decode.cpp and decode_corev.cpp rely on it).
// clang-format off
#define ETUDE_ISA_OPS(X) \
  X(kIllegal, "illegal", kIllegal, kNone) \
  /* RV32I */ \
  X(kLui, "lui", kAlu, kU) \
  X(kAuipc, "auipc", kAlu, kU) \
  X(kJal, "jal", kJal, kJal) \
  X(kJalr, "jalr", kJalr, kJalr) \
  X(kBeq, "beq", kBranch, kBranch) \
  X(kBne, "bne", kBranch, kBranch) \
  X(kBlt, "blt", kBranch, kBranch) \
  X(kBge, "bge", kBranch, kBranch) \
  X(kBltu, "bltu", kBranch, kBranch) \
  X(kBgeu, "bgeu", kBranch, kBranch) \
  X(kLb, "lb", kLoad, kLoad) \
  X(kLh, "lh", kLoad, kLoad) \
  X(kLw, "lw", kLoad, kLoad) \
  X(kLbu, "lbu", kLoad, kLoad) \
  X(kLhu, "lhu", kLoad, kLoad) \
  X(kSb, "sb", kStore, kStore) \
  X(kSh, "sh", kStore, kStore) \
  X(kSw, "sw", kStore, kStore) \
  X(kAddi, "addi", kAlu, kI) \
  X(kSlti, "slti", kAlu, kI) \
  X(kSltiu, "sltiu", kAlu, kI) \
  X(kXori, "xori", kAlu, kI) \
  X(kOri, "ori", kAlu, kI) \
  X(kAndi, "andi", kAlu, kI) \
  X(kSlli, "slli", kAlu, kShift) \
  X(kSrli, "srli", kAlu, kShift) \
  X(kSrai, "srai", kAlu, kShift) \
  X(kAdd, "add", kAlu, kR) \
  X(kSub, "sub", kAlu, kR) \
  X(kSll, "sll", kAlu, kR) \
  X(kSlt, "slt", kAlu, kR) \
  X(kSltu, "sltu", kAlu, kR) \
  X(kXor, "xor", kAlu, kR) \
  X(kSrl, "srl", kAlu, kR) \
  X(kSra, "sra", kAlu, kR) \
  X(kOr, "or", kAlu, kR) \
  X(kAnd, "and", kAlu, kR) \
  X(kFence, "fence", kFence, kFence) \
  X(kEcall, "ecall", kSystem, kNone) \
  X(kEbreak, "ebreak", kSystem, kNone) \
  X(kMret, "mret", kSystem, kNone) \
  X(kWfi, "wfi", kSystem, kNone) \
  /* Zifencei, Zicsr */ \
  X(kFenceI, "fence.i", kFence, kNone) \
  X(kCsrrw, "csrrw", kCsr, kCsr) \
  X(kCsrrs, "csrrs", kCsr, kCsr) \
  X(kCsrrc, "csrrc", kCsr, kCsr) \
  X(kCsrrwi, "csrrwi", kCsr, kCsrImm) \
  X(kCsrrsi, "csrrsi", kCsr, kCsrImm) \
  X(kCsrrci, "csrrci", kCsr, kCsrImm) \
  /* M */ \
  X(kMul, "mul", kMul, kR) \
  X(kMulh, "mulh", kMulh, kR) \
  X(kMulhsu, "mulhsu", kMulh, kR) \
  X(kMulhu, "mulhu", kMulh, kR) \
  X(kDiv, "div", kDiv, kR) \
  X(kDivu, "divu", kDiv, kR) \
  X(kRem, "rem", kDiv, kR) \
  X(kRemu, "remu", kDiv, kR) \
  /* F, or Zfinx */ \
  X(kFlw, "flw", kLoad, kFpLoad) \
  X(kFsw, "fsw", kStore, kFpStore) \
  X(kFmaddS, "fmadd.s", kFpAddMul, kFp4) \
  X(kFmsubS, "fmsub.s", kFpAddMul, kFp4) \
  X(kFnmsubS, "fnmsub.s", kFpAddMul, kFp4) \
  X(kFnmaddS, "fnmadd.s", kFpAddMul, kFp4) \
  X(kFaddS, "fadd.s", kFpAddMul, kFpRound2) \
  X(kFsubS, "fsub.s", kFpAddMul, kFpRound2) \
  X(kFmulS, "fmul.s", kFpAddMul, kFpRound2) \
  X(kFdivS, "fdiv.s", kFpDivSqrt, kFpRound2) \
  X(kFsqrtS, "fsqrt.s", kFpDivSqrt, kFpRound1) \
  X(kFsgnjS, "fsgnj.s", kFpOther, kFp2) \
  X(kFsgnjnS, "fsgnjn.s", kFpOther, kFp2) \
  X(kFsgnjxS, "fsgnjx.s", kFpOther, kFp2) \
  X(kFminS, "fmin.s", kFpOther, kFp2) \
  X(kFmaxS, "fmax.s", kFpOther, kFp2) \
  X(kFeqS, "feq.s", kFpOther, kFpCompare) \
  X(kFltS, "flt.s", kFpOther, kFpCompare) \
  X(kFleS, "fle.s", kFpOther, kFpCompare) \
  X(kFclassS, "fclass.s", kFpOther, kFpToInt) \
  X(kFcvtWS, "fcvt.w.s", kFpOther, kFpRoundToInt) \
  X(kFcvtWuS, "fcvt.wu.s", kFpOther, kFpRoundToInt) \
  X(kFcvtSW, "fcvt.s.w", kFpOther, kIntToFpRound) \
  X(kFcvtSWu, "fcvt.s.wu", kFpOther, kIntToFpRound) \
  X(kFmvXW, "fmv.x.w", kFpOther, kFpToInt) \
  X(kFmvWX, "fmv.w.x", kFpOther, kIntToFp) \
  /* Zhinx */ \
  X(kFmaddH, "fmadd.h", kFpAddMul, kFp4) \
  X(kFmsubH, "fmsub.h", kFpAddMul, kFp4) \
  X(kFnmsubH, "fnmsub.h", kFpAddMul, kFp4) \
  X(kFnmaddH, "fnmadd.h", kFpAddMul, kFp4) \
  X(kFaddH, "fadd.h", kFpAddMul, kFpRound2) \
  X(kFsubH, "fsub.h", kFpAddMul, kFpRound2) \
  X(kFmulH, "fmul.h", kFpAddMul, kFpRound2) \
  X(kFdivH, "fdiv.h", kFpDivSqrt, kFpRound2) \
  X(kFsqrtH, "fsqrt.h", kFpDivSqrt, kFpRound1) \
  X(kFsgnjH, "fsgnj.h", kFpOther, kFp2) \
  X(kFsgnjnH, "fsgnjn.h", kFpOther, kFp2) \
  X(kFsgnjxH, "fsgnjx.h", kFpOther, kFp2) \
  X(kFminH, "fmin.h", kFpOther, kFp2) \
  X(kFmaxH, "fmax.h", kFpOther, kFp2) \
  X(kFeqH, "feq.h", kFpOther, kFpCompare) \
  X(kFltH, "flt.h", kFpOther, kFpCompare) \
  X(kFleH, "fle.h", kFpOther, kFpCompare) \
  X(kFclassH, "fclass.h", kFpOther, kFpToInt) \
  X(kFcvtWH, "fcvt.w.h", kFpOther, kFpRoundToInt) \
  X(kFcvtWuH, "fcvt.wu.h", kFpOther, kFpRoundToInt) \
  X(kFcvtHW, "fcvt.h.w", kFpOther, kIntToFpRound) \
  X(kFcvtHWu, "fcvt.h.wu", kFpOther, kIntToFpRound) \
  X(kFcvtSH, "fcvt.s.h", kFpOther, kFpRound1) \
  X(kFcvtHS, "fcvt.h.s", kFpOther, kFpRound1) \
  /* Xfvec: two binary16 lanes; the .r forms (lane 0 of rs2 for both) have Instr::mode 1 */ \
  X(kVfaddH, "vfadd", kFpAddMul, kPacked) \
  X(kVfsubH, "vfsub", kFpAddMul, kPacked) \
  X(kVfmulH, "vfmul", kFpAddMul, kPacked) \
  X(kVfminH, "vfmin", kFpOther, kPacked) \
  X(kVfmaxH, "vfmax", kFpOther, kPacked) \
  X(kVfmacH, "vfmac", kFpAddMul, kPackedAcc) \
  /* XCVmem, XCVelw, XCVbi */ \
  X(kCvLbPost, "cv.lb", kLoad, kCvLoadPost) \
  X(kCvLhPost, "cv.lh", kLoad, kCvLoadPost) \
  X(kCvLwPost, "cv.lw", kLoad, kCvLoadPost) \
  X(kCvLbuPost, "cv.lbu", kLoad, kCvLoadPost) \
  X(kCvLhuPost, "cv.lhu", kLoad, kCvLoadPost) \
  X(kCvLbPostReg, "cv.lb", kLoad, kCvLoadPostReg) \
  X(kCvLhPostReg, "cv.lh", kLoad, kCvLoadPostReg) \
  X(kCvLwPostReg, "cv.lw", kLoad, kCvLoadPostReg) \
  X(kCvLbuPostReg, "cv.lbu", kLoad, kCvLoadPostReg) \
  X(kCvLhuPostReg, "cv.lhu", kLoad, kCvLoadPostReg) \
  X(kCvLbReg, "cv.lb", kLoad, kCvLoadReg) \
  X(kCvLhReg, "cv.lh", kLoad, kCvLoadReg) \
  X(kCvLwReg, "cv.lw", kLoad, kCvLoadReg) \
  X(kCvLbuReg, "cv.lbu", kLoad, kCvLoadReg) \
  X(kCvLhuReg, "cv.lhu", kLoad, kCvLoadReg) \
  X(kCvSbPost, "cv.sb", kStore, kCvStorePost) \
  X(kCvShPost, "cv.sh", kStore, kCvStorePost) \
  X(kCvSwPost, "cv.sw", kStore, kCvStorePost) \
  X(kCvSbPostReg, "cv.sb", kStore, kCvStorePostReg) \
  X(kCvShPostReg, "cv.sh", kStore, kCvStorePostReg) \
  X(kCvSwPostReg, "cv.sw", kStore, kCvStorePostReg) \
  X(kCvSbReg, "cv.sb", kStore, kCvStoreReg) \
  X(kCvShReg, "cv.sh", kStore, kCvStoreReg) \
  X(kCvSwReg, "cv.sw", kStore, kCvStoreReg) \
  X(kCvElw, "cv.elw", kEventLoad, kLoad) \
  X(kCvBeqimm, "cv.beqimm", kBranch, kCvBranchImm) \
  X(kCvBneimm, "cv.bneimm", kBranch, kCvBranchImm) \
  /* XCVhwlp */ \
  X(kCvStarti, "cv.starti", kHwLoop, kLoopAddr) \
  X(kCvStart, "cv.start", kHwLoop, kLoopReg) \
  X(kCvEndi, "cv.endi", kHwLoop, kLoopAddr) \
  X(kCvEnd, "cv.end", kHwLoop, kLoopReg) \
  X(kCvCounti, "cv.counti", kHwLoop, kLoopCount) \
  X(kCvCount, "cv.count", kHwLoop, kLoopReg) \
  X(kCvSetupi, "cv.setupi", kHwLoop, kLoopSetupImm) \
  X(kCvSetup, "cv.setup", kHwLoop, kLoopSetup) \
  /* XCVmac */ \
  X(kCvMac, "cv.mac", kMul, kRAcc) \
  X(kCvMsu, "cv.msu", kMul, kRAcc) \
  X(kCvMulsn, "cv.mulsn", kMul, kRShift) \
  X(kCvMulhhsn, "cv.mulhhsn", kMul, kRShift) \
  X(kCvMulsrn, "cv.mulsrn", kMul, kRShift) \
  X(kCvMulhhsrn, "cv.mulhhsrn", kMul, kRShift) \
  X(kCvMulun, "cv.mulun", kMul, kRShift) \
  X(kCvMulhhun, "cv.mulhhun", kMul, kRShift) \
  X(kCvMulurn, "cv.mulurn", kMul, kRShift) \
  X(kCvMulhhurn, "cv.mulhhurn", kMul, kRShift) \
  X(kCvMacsn, "cv.macsn", kMul, kRShiftAcc) \
  X(kCvMachhsn, "cv.machhsn", kMul, kRShiftAcc) \
  X(kCvMacsrn, "cv.macsrn", kMul, kRShiftAcc) \
  X(kCvMachhsrn, "cv.machhsrn", kMul, kRShiftAcc) \
  X(kCvMacun, "cv.macun", kMul, kRShiftAcc) \
  X(kCvMachhun, "cv.machhun", kMul, kRShiftAcc) \
  X(kCvMacurn, "cv.macurn", kMul, kRShiftAcc) \
  X(kCvMachhurn, "cv.machhurn", kMul, kRShiftAcc) \
  /* XCVbitmanip */ \
  X(kCvExtract, "cv.extract", kAlu, kBitField) \
  X(kCvExtractu, "cv.extractu", kAlu, kBitField) \
  X(kCvInsert, "cv.insert", kAlu, kBitFieldAcc) \
  X(kCvBclr, "cv.bclr", kAlu, kBitField) \
  X(kCvBset, "cv.bset", kAlu, kBitField) \
  X(kCvBitrev, "cv.bitrev", kAlu, kBitField) \
  X(kCvExtractr, "cv.extractr", kAlu, kR) \
  X(kCvExtractur, "cv.extractur", kAlu, kR) \
  X(kCvInsertr, "cv.insertr", kAlu, kRAcc) \
  X(kCvBclrr, "cv.bclrr", kAlu, kR) \
  X(kCvBsetr, "cv.bsetr", kAlu, kR) \
  X(kCvRor, "cv.ror", kAlu, kR) \
  X(kCvFf1, "cv.ff1", kAlu, kUnary) \
  X(kCvFl1, "cv.fl1", kAlu, kUnary) \
  X(kCvClb, "cv.clb", kAlu, kUnary) \
  X(kCvCnt, "cv.cnt", kAlu, kUnary) \
  /* XCValu */ \
  X(kCvAbs, "cv.abs", kAlu, kUnary) \
  X(kCvSlet, "cv.slet", kAlu, kR) \
  X(kCvSletu, "cv.sletu", kAlu, kR) \
  X(kCvMin, "cv.min", kAlu, kR) \
  X(kCvMinu, "cv.minu", kAlu, kR) \
  X(kCvMax, "cv.max", kAlu, kR) \
  X(kCvMaxu, "cv.maxu", kAlu, kR) \
  X(kCvExths, "cv.exths", kAlu, kUnary) \
  X(kCvExthz, "cv.exthz", kAlu, kUnary) \
  X(kCvExtbs, "cv.extbs", kAlu, kUnary) \
  X(kCvExtbz, "cv.extbz", kAlu, kUnary) \
  X(kCvClip, "cv.clip", kAlu, kClip) \
  X(kCvClipu, "cv.clipu", kAlu, kClip) \
  X(kCvClipr, "cv.clipr", kAlu, kR) \
  X(kCvClipur, "cv.clipur", kAlu, kR) \
  X(kCvAddn, "cv.addn", kAlu, kRShift) \
  X(kCvAddun, "cv.addun", kAlu, kRShift) \
  X(kCvAddrn, "cv.addrn", kAlu, kRShift) \
  X(kCvAddurn, "cv.addurn", kAlu, kRShift) \
  X(kCvSubn, "cv.subn", kAlu, kRShift) \
  X(kCvSubun, "cv.subun", kAlu, kRShift) \
  X(kCvSubrn, "cv.subrn", kAlu, kRShift) \
  X(kCvSuburn, "cv.suburn", kAlu, kRShift) \
  X(kCvAddnr, "cv.addnr", kAlu, kRAcc) \
  X(kCvAddunr, "cv.addunr", kAlu, kRAcc) \
  X(kCvAddrnr, "cv.addrnr", kAlu, kRAcc) \
  X(kCvAddurnr, "cv.addurnr", kAlu, kRAcc) \
  X(kCvSubnr, "cv.subnr", kAlu, kRAcc) \
  X(kCvSubunr, "cv.subunr", kAlu, kRAcc) \
  X(kCvSubrnr, "cv.subrnr", kAlu, kRAcc) \
  X(kCvSuburnr, "cv.suburnr", kAlu, kRAcc) \
  /* XCVsimd: the operand mode (vector, .sc, .sci) is Instr::mode */ \
  X(kCvAddH, "cv.add.h", kAlu, kSimd) \
  X(kCvAddB, "cv.add.b", kAlu, kSimd) \
  X(kCvSubH, "cv.sub.h", kAlu, kSimd) \
  X(kCvSubB, "cv.sub.b", kAlu, kSimd) \
  X(kCvAvgH, "cv.avg.h", kAlu, kSimd) \
  X(kCvAvgB, "cv.avg.b", kAlu, kSimd) \
  X(kCvAvguH, "cv.avgu.h", kAlu, kSimd) \
  X(kCvAvguB, "cv.avgu.b", kAlu, kSimd) \
  X(kCvMinH, "cv.min.h", kAlu, kSimd) \
  X(kCvMinB, "cv.min.b", kAlu, kSimd) \
  X(kCvMinuH, "cv.minu.h", kAlu, kSimd) \
  X(kCvMinuB, "cv.minu.b", kAlu, kSimd) \
  X(kCvMaxH, "cv.max.h", kAlu, kSimd) \
  X(kCvMaxB, "cv.max.b", kAlu, kSimd) \
  X(kCvMaxuH, "cv.maxu.h", kAlu, kSimd) \
  X(kCvMaxuB, "cv.maxu.b", kAlu, kSimd) \
  X(kCvSrlH, "cv.srl.h", kAlu, kSimd) \
  X(kCvSrlB, "cv.srl.b", kAlu, kSimd) \
  X(kCvSraH, "cv.sra.h", kAlu, kSimd) \
  X(kCvSraB, "cv.sra.b", kAlu, kSimd) \
  X(kCvSllH, "cv.sll.h", kAlu, kSimd) \
  X(kCvSllB, "cv.sll.b", kAlu, kSimd) \
  X(kCvOrH, "cv.or.h", kAlu, kSimd) \
  X(kCvOrB, "cv.or.b", kAlu, kSimd) \
  X(kCvXorH, "cv.xor.h", kAlu, kSimd) \
  X(kCvXorB, "cv.xor.b", kAlu, kSimd) \
  X(kCvAndH, "cv.and.h", kAlu, kSimd) \
  X(kCvAndB, "cv.and.b", kAlu, kSimd) \
  X(kCvCmpeqH, "cv.cmpeq.h", kAlu, kSimd) \
  X(kCvCmpeqB, "cv.cmpeq.b", kAlu, kSimd) \
  X(kCvCmpneH, "cv.cmpne.h", kAlu, kSimd) \
  X(kCvCmpneB, "cv.cmpne.b", kAlu, kSimd) \
  X(kCvCmpgtH, "cv.cmpgt.h", kAlu, kSimd) \
  X(kCvCmpgtB, "cv.cmpgt.b", kAlu, kSimd) \
  X(kCvCmpgeH, "cv.cmpge.h", kAlu, kSimd) \
  X(kCvCmpgeB, "cv.cmpge.b", kAlu, kSimd) \
  X(kCvCmpltH, "cv.cmplt.h", kAlu, kSimd) \
  X(kCvCmpltB, "cv.cmplt.b", kAlu, kSimd) \
  X(kCvCmpleH, "cv.cmple.h", kAlu, kSimd) \
  X(kCvCmpleB, "cv.cmple.b", kAlu, kSimd) \
  X(kCvCmpgtuH, "cv.cmpgtu.h", kAlu, kSimd) \
  X(kCvCmpgtuB, "cv.cmpgtu.b", kAlu, kSimd) \
  X(kCvCmpgeuH, "cv.cmpgeu.h", kAlu, kSimd) \
  X(kCvCmpgeuB, "cv.cmpgeu.b", kAlu, kSimd) \
  X(kCvCmpltuH, "cv.cmpltu.h", kAlu, kSimd) \
  X(kCvCmpltuB, "cv.cmpltu.b", kAlu, kSimd) \
  X(kCvCmpleuH, "cv.cmpleu.h", kAlu, kSimd) \
  X(kCvCmpleuB, "cv.cmpleu.b", kAlu, kSimd) \
  X(kCvAbsH, "cv.abs.h", kAlu, kUnary) \
  X(kCvAbsB, "cv.abs.b", kAlu, kUnary) \
  X(kCvDotupH, "cv.dotup.h", kMul, kSimd) \
  X(kCvDotupB, "cv.dotup.b", kMul, kSimd) \
  X(kCvDotuspH, "cv.dotusp.h", kMul, kSimd) \
  X(kCvDotuspB, "cv.dotusp.b", kMul, kSimd) \
  X(kCvDotspH, "cv.dotsp.h", kMul, kSimd) \
  X(kCvDotspB, "cv.dotsp.b", kMul, kSimd) \
  X(kCvSdotupH, "cv.sdotup.h", kMul, kSimdAcc) \
  X(kCvSdotupB, "cv.sdotup.b", kMul, kSimdAcc) \
  X(kCvSdotuspH, "cv.sdotusp.h", kMul, kSimdAcc) \
  X(kCvSdotuspB, "cv.sdotusp.b", kMul, kSimdAcc) \
  X(kCvSdotspH, "cv.sdotsp.h", kMul, kSimdAcc) \
  X(kCvSdotspB, "cv.sdotsp.b", kMul, kSimdAcc) \
  X(kCvExtractH, "cv.extract.h", kAlu, kLane) \
  X(kCvExtractB, "cv.extract.b", kAlu, kLane) \
  X(kCvExtractuH, "cv.extractu.h", kAlu, kLane) \
  X(kCvExtractuB, "cv.extractu.b", kAlu, kLane) \
  X(kCvInsertH, "cv.insert.h", kAlu, kLaneAcc) \
  X(kCvInsertB, "cv.insert.b", kAlu, kLaneAcc) \
  X(kCvShuffleH, "cv.shuffle.h", kAlu, kSimd) \
  X(kCvShuffleB, "cv.shuffle.b", kAlu, kSimd) \
  X(kCvShuffleI0B, "cv.shufflei0.b", kAlu, kSimd) \
  X(kCvShuffleI1B, "cv.shufflei1.b", kAlu, kSimd) \
  X(kCvShuffleI2B, "cv.shufflei2.b", kAlu, kSimd) \
  X(kCvShuffleI3B, "cv.shufflei3.b", kAlu, kSimd) \
  X(kCvShuffle2H, "cv.shuffle2.h", kAlu, kRAcc) \
  X(kCvShuffle2B, "cv.shuffle2.b", kAlu, kRAcc) \
  X(kCvPack, "cv.pack", kAlu, kR) \
  X(kCvPackH, "cv.pack.h", kAlu, kR) \
  X(kCvPackloB, "cv.packlo.b", kAlu, kRAcc) \
  X(kCvPackhiB, "cv.packhi.b", kAlu, kRAcc) \
  X(kCvCplxmulR, "cv.cplxmul.r", kMul, kComplexAcc) \
  X(kCvCplxmulI, "cv.cplxmul.i", kMul, kComplexAcc) \
  X(kCvCplxconj, "cv.cplxconj", kAlu, kUnary) \
  X(kCvSubrotmj, "cv.subrotmj", kAlu, kComplex) \
  X(kCvAddDiv, "cv.add", kAlu, kComplex) \
  X(kCvSubDiv, "cv.sub", kAlu, kComplex)
// clang-format on

namespace etude {

/// What an instruction does, without its operands. CORE-V SIMD: one per operation and element size.
enum class Op : std::uint16_t {
#define ETUDE_ISA_ENUM(name, mnemonic, timing, format) name,
  ETUDE_ISA_OPS(ETUDE_ISA_ENUM)
#undef ETUDE_ISA_ENUM
      kCount
};
inline constexpr unsigned kOps = static_cast<unsigned>(Op::kCount);

}  // namespace etude
