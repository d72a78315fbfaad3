// SPDX-License-Identifier: Apache-2.0
// The part of a core's loop that most cycles of a simulation are spent in; included by core.cpp
// and by the loop of the cluster, into which it is compiled.
#pragma once

#include <algorithm>

#include "models/iss/core/core_calm_parts.h"
#include "models/iss/core/core_inline.h"
#include "models/iss/isa/calm_op.h"
#include "models/iss/isa/execute.h"
#include "models/numerics/softfloat.h"

namespace etude {

// Nothing is under way that a straight run of instructions would have to look at, but for a jump
// that is to be asked for and can be at once.
template <bool kCached>
[[gnu::always_inline]] inline bool Core::calm() {
  return slow_classes_ == kAlwaysSlow && retire_hook_ == nullptr &&
         (!kCached || (missed_rvalid_ + 3 <= ex_enter_ &&
                       (jump_step_ == 0 || (jump_step_ == 1 && jump_free() <= redirect_fetch_ &&
                                            here(state_.pc + 4)))));
}

// Straight code in a calm pipeline: nothing but the last load or FP result to wait for, each
// instruction in EX one cycle after the one before; and taken branches to lines that are here. Ends
// in front of the first instruction that is not of that kind, or that would enter EX at `stop`;
// true if it is a data access, which then waits. The first instruction may have to wait for a
// result that stands before the run only if it is `awaited`. Inline, so that a core that is resumed
// for two or three instructions pays for one call. What changes with every instruction is kept in
// locals: the host does little else than this.
// Behind a data access the place is known already (`resumed`).
template <bool kCached, bool kResumed>
[[gnu::always_inline]] inline bool Core::run_calm(std::uint64_t stop, bool awaited) {
  CalmOp* const ops = calm_ops_;
  const CalmOp* op = nullptr;
  const CalmOp* bound = nullptr;
  if (kResumed && calm_next_ != nullptr) [[likely]] {
    op = calm_next_;
    bound = calm_bound_op_;
  } else {
    if (kResumed) {
      state_.pc = loop_next(state_, state_.pc);
      awaited = true;  // perhaps by the first instruction of a hardware loop
    }
    if (state_.pc >> 12 != page_number_) {
      return false;
    }
    const std::uint32_t bound_offset = calm_bound<kCached>(state_.pc);
    if (bound_offset == 0) {
      return false;
    }
    op = ops + (state_.pc & 0xfffu) / 2;
    bound = ops + bound_offset / 2;
  }
  const std::uint64_t begin = ex_free_;
  std::uint64_t enter = begin;
  if (!kResumed && id_floor_ >= ex_enter_) {
    // The first instruction comes late.
    if (!in_run(*op, state_.pc)) {
      return false;
    }
    enter = std::max(id_after_floor(page_[op - ops], ex_enter_) + 1, begin);
    if (enter >= stop) {
      return false;
    }
    stall(floor_reason_, enter - begin);
    jump_step_ = 0;
  }
  std::uint32_t straight_pc = state_.pc;  // of the instructions since the last jump ...
  std::uint64_t straight_from = enter;    // ... and the cycle of the first one
  std::uint64_t newest = 0;               // hazards of the last two FP results of this run
  std::uint64_t older = 0;
  const auto keep_hazards = [&]() __attribute__((always_inline)) {
    if (newest != 0) {
      older_hazard_ = older != 0 ? Hazard{older} : hazard_;
      hazard_ = Hazard{newest};
      fp_return_ = hazard_.ready() - 1;
      newest = older = 0;
    }
  };
  const auto offset_of = [&]() __attribute__((always_inline)) {
    return static_cast<std::uint32_t>(op - ops) * 2;
  };
  const std::uint32_t page_pc = state_.pc & ~0xfffu;
  std::uint64_t until = awaited ? 0 : stop;  // in this cycle something is to be looked at
  bool access = false;
  bool event_load = false;
  for (;;) {
    if (op >= bound) [[unlikely]] {
      std::uint32_t offset = offset_of();
      const std::uint32_t pc = page_pc + offset;
      if (pc == state_.loop_watch[0] || pc == state_.loop_watch[1]) {
        history_.straight(straight_pc, enter - straight_from);
        straight_pc = loop_back_edge(state_, pc);
        straight_from = enter;
        if (straight_pc - page_pc >= 0x1000u) {
          state_.pc = straight_pc;
          goto on_another_page;
        }
        offset = straight_pc - page_pc;
        op = ops + offset / 2;
        until = enter;
      } else if (offset >= 0x1000u) {
        break;
      }
      const std::uint32_t bound_offset = calm_bound<kCached>(page_pc + offset);
      if (bound_offset == 0) {
        break;
      }
      bound = ops + bound_offset / 2;
      continue;
    }
    if (enter >= until) [[unlikely]] {
      if (enter >= stop) {
        break;
      }
      keep_hazards();
      if (op->kind > CalmKind::kStop) {
        until = stop;
        const Instr& instr = page_[op - ops];
        if (hazard_.ready() > enter &&
            (hazard_.named_by(instr) || (kFieldsCount & bit(instr.timing)) != 0)) {
          const std::uint64_t there = wait_operands(instr, enter - 1, enter);
          if (there >= stop) {
            break;
          }
          if (there != enter) {
            if (enter != straight_from) {
              history_.straight(straight_pc, enter - straight_from);
            }
            stall(operand_reason_, there - enter);
            straight_pc = page_pc + offset_of();
            straight_from = enter = there;
          }
        }
      }
    }
    switch (op->kind) {
      case CalmKind::kUnknown:
        if (!look_at(page_pc + offset_of())) {
          goto end;
        }
        until = enter;
        continue;
      case CalmKind::kStop:
        goto end;
      case CalmKind::kConstant:
        state_.r[op->d] = static_cast<std::uint32_t>(op->imm);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kAddi:
        state_.r[op->d] = state_.r[op->a] + static_cast<std::uint32_t>(op->imm);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kAdd:
        state_.r[op->d] = state_.r[op->a] + state_.r[op->b];
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kSub:
        state_.r[op->d] = state_.r[op->a] - state_.r[op->b];
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kSlli:
        state_.r[op->d] = state_.r[op->a] << (op->imm & 31);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kSrli:
        state_.r[op->d] = state_.r[op->a] >> (op->imm & 31);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kAndi:
        state_.r[op->d] = state_.r[op->a] & static_cast<std::uint32_t>(op->imm);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(TimingClass::kAlu)].value;
        break;
      case CalmKind::kExecute:
        execute(page_[op - ops], state_);
        last_rd_ = op->d;
        ++retired_[static_cast<unsigned>(op->timing)].value;
        break;
      case CalmKind::kFmaddNearest:
        if ((calm_fp_ & kCalmNearest) != 0) [[likely]] {
          const std::uint64_t first = enter;
          do {
            state_.r[op->d] = fp::f32_fma(state_.r[op->a], state_.r[op->b], state_.r[op->c],
                                          fp::Rounding::kRne, state_.fflags);
            older = newest;
            newest = Hazard::of(enter + 2, op->d, true).packed;
            ++enter;
            if (op->awaited) {
              until = enter;
            }
            op = op->behind();
          } while (op < bound && enter < until && op->kind == CalmKind::kFmaddNearest);
          state_.fs = 3;
          last_rd_ = 0xff;
          retired_[static_cast<unsigned>(TimingClass::kFpAddMul)].value += enter - first;
          continue;
        }
        [[fallthrough]];
      case CalmKind::kFnmsubNearest:
      case CalmKind::kFpAddMul:
      case CalmKind::kFpOther: {
        const std::uint8_t needed = op->kind == CalmKind::kFpOther ? kCalmOther : kCalmAddMul;
        if ((calm_fp_ & needed) == 0) {
          goto end;
        }
        if (op->kind == CalmKind::kFnmsubNearest && (calm_fp_ & kCalmNearest) != 0) {
          constexpr std::uint32_t kSign = 0x80000000u;
          state_.r[op->d] = fp::f32_fma(state_.r[op->a] ^ kSign, state_.r[op->b], state_.r[op->c],
                                        fp::Rounding::kRne, state_.fflags);
          state_.fs = 3;
        } else {
          execute(page_[op - ops], state_);
        }
        last_rd_ = 0xff;
        ++retired_[static_cast<unsigned>(op->timing)].value;
        older = newest;
        newest = Hazard::of(enter + 2, op->d, true).packed;
        if (op->awaited) {
          until = enter + 1;
        }
        break;
      }
      case CalmKind::kLoadWord:
        access = offer_word<false, false>(*op, enter, static_cast<std::uint32_t>(op->imm));
        goto end;
      case CalmKind::kStoreWord:
        access = offer_word<false, true>(*op, enter, static_cast<std::uint32_t>(op->imm));
        goto end;
      case CalmKind::kLoadWordPost:
        access = offer_word<true, false>(*op, enter, static_cast<std::uint32_t>(op->imm));
        goto end;
      case CalmKind::kLoadWordPostBy:
        access = offer_word<true, false>(*op, enter, state_.r[op->b]);
        goto end;
      case CalmKind::kStoreWordPost:
        access = offer_word<true, true>(*op, enter, static_cast<std::uint32_t>(op->imm));
        goto end;
      case CalmKind::kAccess:
        access = offer_access(*op, page_[op - ops], enter);
        goto end;
      case CalmKind::kEventLoad:
        event_load = true;
        goto end;
      case CalmKind::kBeq:
      case CalmKind::kBne:
      case CalmKind::kBlt:
      case CalmKind::kBge:
      case CalmKind::kBltu:
      case CalmKind::kBgeu: {
        if (!branch_goes(op->kind, state_.r[op->a], state_.r[op->b])) {
          last_rd_ = 0xff;
          ++retired_[static_cast<unsigned>(TimingClass::kBranch)].value;
          break;
        }
        // Not out of a hardware loop.
        const std::uint32_t target = offset_of() + static_cast<std::uint32_t>(op->imm);
        if ((state_.loop[0].count | state_.loop[1].count) != 0 || target >= 0x1000u) {
          goto end;
        }
        redirect(enter, enter + config_.timing.fetch, StallReason::kBranch);
        last_rd_ = 0xff;
        ++retired_[static_cast<unsigned>(TimingClass::kBranch)].value;
        ++enter;
        op = ops + target / 2;
        // And on from there, if it is of this kind and here.
        if (!in_run(*op, page_pc + target)) {
          goto end;
        }
        const std::uint64_t there =
            enter + config_.timing.fetch +
            ((target & 2u) != 0 && page_[target / 2].length == 4 ? config_.timing.misaligned_word
                                                                 : 0);
        const std::uint32_t bound_offset =
            there < stop && (!kCached || jump_free() <= redirect_fetch_)
                ? calm_bound<kCached>(page_pc + target)
                : 0;
        if (bound_offset == 0) {
          goto end;
        }
        bound = ops + bound_offset / 2;
        jump_step_ = 0;
        history_.straight(straight_pc, enter - straight_from);
        stall(StallReason::kBranch, there - enter);
        straight_pc = page_pc + target;
        straight_from = enter = there;
        until = stop;
        continue;
      }
      default:
        __builtin_unreachable();
    }
    ++enter;
    op = op->behind();
  }
end:
  state_.pc = page_pc + offset_of();
  if (access) {
    calm_next_ = op->behind() < bound ? op->behind() : nullptr;
    calm_bound_op_ = bound;
  }
on_another_page:
  keep_hazards();
  if (enter != begin) {
    ex_enter_ = enter - 1;
    ex_free_ = enter;
    if (enter != straight_from) {
      history_.straight(straight_pc, enter - straight_from);
    }
  }
  if (event_load) {
    start_access(page_[op - ops], enter);
    return true;
  }
  return access;
}

// The access of run_calm() was granted, its data come in the next cycle: still a calm pipeline. The
// pc is that of the next instruction then, but for the end of a hardware loop.
[[gnu::always_inline]] inline void Core::complete_calmly(std::uint64_t granted, std::uint32_t rdata,
                                                         StallReason why) {
  const CalmOp& op = *calm_op_;
  const std::uint64_t asked = access_.when.raw();
  stalls_[static_cast<unsigned>(why)] += granted - asked;
  answered_ = granted + 1;
  state_.r[op.written] = calm_rs1_;
  last_rd_ = op.named;
  if (!access_.write) {
    if (op.kind == CalmKind::kAccess) [[unlikely]] {
      rdata = extend_load(page_[&op - calm_ops_], rdata);
    }
    state_.r[op.d] = rdata;
    add_hazard(op.d, granted + 2, false);
    ++retired_[static_cast<unsigned>(TimingClass::kLoad)].value;
    history_.begin(TimingClass::kLoad, state_.pc);
  } else {
    ++retired_[static_cast<unsigned>(TimingClass::kStore)].value;
    history_.begin(TimingClass::kStore, state_.pc);
  }
  ex_enter_ = asked;
  ex_free_ = granted + 1;
  state_.pc += op.bytes();
}

// Most often another access of a word stands behind an access, and waits for nothing: it would
// enter EX in cycle `enter`.
[[gnu::always_inline]] inline bool Core::next_is_word(std::uint64_t enter,
                                                      std::uint64_t stop) const {
  static_assert(CalmKind::kStoreWordPost < CalmKind::kLoadWordPostBy);
  const CalmOp* const op = calm_next_;
  return op != nullptr && !calm_op_->awaited && enter < stop && op->kind >= CalmKind::kLoadWord &&
         op->kind <= CalmKind::kStoreWordPost;
}

// What run_calm<true, true>() does with such a one, now that the access before is complete; the
// core is still in the state of waiting for that. False, and nothing is done, if it is misaligned.
[[gnu::always_inline]] inline bool Core::go_on_with_word(std::uint64_t enter) {
  const CalmOp* const op = calm_next_;
  const CalmKind kind = op->kind;
  const bool post = kind == CalmKind::kLoadWordPost || kind == CalmKind::kStoreWordPost;
  const bool write = kind >= CalmKind::kStoreWord;
  const std::uint32_t base = state_.r[op->a];
  const std::uint32_t sum = base + static_cast<std::uint32_t>(op->imm);
  const std::uint32_t address = post ? base : sum;
  if ((address & 3u) != 0) {
    return false;
  }
  calm_op_ = op;
  calm_rs1_ = sum;
  access_.when = Cycle{enter};
  access_.address = address;
  access_.wdata = write ? state_.r[op->b] : 0;
  access_.bytes = 4;
  access_.write = write;
  const CalmOp* const next = op->behind();
  calm_next_ = next < calm_bound_op_ ? next : nullptr;
  return true;
}

[[gnu::always_inline]] inline CoreWait Core::complete_straight_and_run(Cycle granted,
                                                                       std::uint32_t rdata,
                                                                       StallReason why,
                                                                       Cycle limit) {
  const std::uint64_t stop = std::min(limit.raw(), irq_from_);
  const bool word = next_is_word(granted.raw() + 1, stop);
  const bool awaited = calm_op_->awaited;
  complete_calmly(granted.raw(), rdata, why);
  if (word && go_on_with_word(granted.raw() + 1)) {
    return CoreWait::kData;
  }
  waiting_ = Waiting::kNothing;
  return run_calm<true, true>(stop, awaited) ? CoreWait::kData : run_loop<true>(limit.raw());
}

}  // namespace etude
