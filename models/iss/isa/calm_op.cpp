// SPDX-License-Identifier: Apache-2.0
#include "models/iss/isa/calm_op.h"

namespace etude {
namespace {

CalmKind alu_kind(Op op) {
  switch (op) {
    case Op::kLui:
    case Op::kAuipc:
      return CalmKind::kConstant;
    case Op::kAddi:
      return CalmKind::kAddi;
    case Op::kAdd:
      return CalmKind::kAdd;
    case Op::kSub:
      return CalmKind::kSub;
    case Op::kSlli:
      return CalmKind::kSlli;
    case Op::kSrli:
      return CalmKind::kSrli;
    case Op::kAndi:
      return CalmKind::kAndi;
    default:
      return CalmKind::kExecute;
  }
}

CalmKind branch_kind(Op op) {
  switch (op) {
    case Op::kBeq:
      return CalmKind::kBeq;
    case Op::kBne:
      return CalmKind::kBne;
    case Op::kBlt:
      return CalmKind::kBlt;
    case Op::kBge:
      return CalmKind::kBge;
    case Op::kBltu:
      return CalmKind::kBltu;
    case Op::kBgeu:
      return CalmKind::kBgeu;
    default:
      return CalmKind::kStop;
  }
}

CalmKind access_kind(const Instr& instr) {
  if (instr.has(kFp)) {
    return CalmKind::kStop;  // may be illegal
  }
  const bool post = instr.has(kPostIncrement);
  if (instr.bytes == 4 && post && instr.has(kIndexed) && instr.timing == TimingClass::kLoad) {
    return CalmKind::kLoadWordPostBy;
  }
  if (instr.bytes != 4 || instr.has(kIndexed)) {
    return CalmKind::kAccess;
  }
  return instr.timing == TimingClass::kStore
             ? (post ? CalmKind::kStoreWordPost : CalmKind::kStoreWord)
             : (post ? CalmKind::kLoadWordPost : CalmKind::kLoadWord);
}

CalmKind kind_of(const Instr& instr, const Instr* next, std::uint32_t pc, bool compressed) {
  switch (instr.timing) {
    case TimingClass::kAlu:
    case TimingClass::kMul:
      return alu_kind(instr.op);
    case TimingClass::kFpAddMul:
      return instr.mode != 0 && instr.mode != 7 ? CalmKind::kFpAddMul
             : instr.op == Op::kFmaddS          ? CalmKind::kFmaddNearest
             : instr.op == Op::kFnmsubS         ? CalmKind::kFnmsubNearest
                                                : CalmKind::kFpAddMul;
    case TimingClass::kFpOther:
      return CalmKind::kFpOther;
    case TimingClass::kLoad:
    case TimingClass::kStore:
      // A jump behind it would ask for its target in the same cycle.
      return next == nullptr || next->timing == TimingClass::kJal ||
                     next->timing == TimingClass::kIllegal
                 ? CalmKind::kStop
                 : access_kind(instr);
    case TimingClass::kEventLoad:
      return CalmKind::kEventLoad;
    case TimingClass::kBranch:
      return !compressed && ((pc + static_cast<std::uint32_t>(instr.imm)) & 2u) != 0
                 ? CalmKind::kStop  // may be misaligned
                 : branch_kind(instr.op);
    default:
      return CalmKind::kStop;
  }
}

bool names(const Instr& instr, std::uint8_t reg) {
  return instr.a == reg || instr.b == reg || instr.c == reg || instr.d == reg;
}

}  // namespace

CalmOp CalmOp::of(const Instr& instr, const Instr* next, std::uint32_t pc, bool compressed) {
  const bool waited_for =
      instr.timing == TimingClass::kLoad || instr.timing == TimingClass::kStore ||
      instr.timing == TimingClass::kFpAddMul || instr.timing == TimingClass::kFpOther;
  if (waited_for && next != nullptr && next->length == 0) {
    return {};
  }
  CalmOp op;
  op.kind = kind_of(instr, next, pc, compressed);
  op.step = static_cast<std::uint8_t>(instr.length / 2 * sizeof(CalmOp));
  op.a = instr.a;
  op.b = instr.b;
  op.c = instr.c;
  op.d = instr.d;
  op.imm = instr.imm;
  op.timing = instr.timing;
  if (op.kind == CalmKind::kConstant && instr.op == Op::kAuipc) {
    op.imm = static_cast<std::int32_t>(pc + static_cast<std::uint32_t>(instr.imm));
  } else if (op.kind == CalmKind::kSlli || op.kind == CalmKind::kSrli) {
    op.imm &= 31;
  }
  if (instr.has(kPostIncrement)) {
    op.written = instr.a == 0 ? std::uint8_t{kSinkReg} : instr.a;
    op.named = instr.a;
  }
  op.awaited = next == nullptr || names(*next, instr.d) ||
               (kFieldsCount >> static_cast<unsigned>(next->timing) & 1u) != 0;
  return op;
}

}  // namespace etude
