// SPDX-License-Identifier: Apache-2.0
// The part of a core's loop that most cycles of a simulation are spent in; included by core.cpp
// alone.
#pragma once

#include "models/iss/core/core.h"
#include "models/iss/isa/execute.h"
#include "models/numerics/softfloat.h"

namespace etude {

// Nothing is under way that a straight run of instructions would have to look at.
template <bool kCached>
[[gnu::always_inline]] inline bool Core::calm() const {
  return slow_classes_ == kAlwaysSlow && id_floor_ < ex_enter_ && retire_hook_ == nullptr &&
         (!kCached || (missed_rvalid_ + 3 <= ex_enter_ && jump_step_ == 0));
}

// Straight code in a calm pipeline: nothing but the last load or FP result to wait for, each
// instruction in EX one cycle after the one before. Ends in front of the first instruction that is
// not of that kind, or that would enter EX at `stop`; true if it is a data access, which then
// waits. Inline, so that a core that is resumed for two or three instructions pays for one call.
// What changes with every instruction is kept in locals: the host does little else than this.
template <bool kCached>
[[gnu::always_inline]] inline bool Core::run_calm(std::uint64_t stop) {
  const std::uint64_t begin = ex_free_;
  std::uint64_t enter = begin;
  std::uint32_t pc = state_.pc;
  std::uint32_t straight_pc = pc;       // of the instructions since the last jump back ...
  std::uint64_t straight_from = begin;  // ... and the cycle of the first one
  std::uint64_t ready = hazard_.ready;
  std::uint32_t hazard_bytes = hazard_.reg * 0x01010101u;
  std::uint32_t calm_line = calm_line_;
  bool fp_hazard = false;  // hazard_ is to be written: the last FP result
  bool access = false;
  if (pc >> 12 != page_number_) {
    return false;
  }
  const Instr* slot = page_ + ((pc >> 1) & 2047);
  while (enter < stop) {
    const Instr& instr = *slot;
    if constexpr (kCached) {
      if (pc >> 4 != calm_line) {
        // The next line will be looked up from this one: both must be here.
        if (!known(pc)) {
          break;
        }
        if (known(pc + 16)) {
          calm_line = calm_line_ = pc >> 4;
        } else if (!loop_goes_back(pc)) {  // not kept: the last pass goes on behind the loop
          break;
        }
      }
    }
    if (ready > enter && Hazard::named(instr, hazard_bytes)) {
      break;
    }
    // A slot that was not decoded yet is of class kIllegal.
    switch (instr.timing) {
      case TimingClass::kAlu:
      case TimingClass::kMul:
        state_.pc = pc;
        execute(instr, state_);
        last_rd_ = instr.d;
        ++retired_[static_cast<unsigned>(instr.timing)].value;
        break;
      case TimingClass::kFpAddMul:
        if (calm_fp_ != CalmFp::kPipelined) {
          goto end;
        }
        if (instr.op == Op::kFmaddS) [[likely]] {
          state_.r[instr.d] = fp::f32_fma(
              state_.r[instr.a], state_.r[instr.b], state_.r[instr.c],
              static_cast<fp::Rounding>(instr.mode == 7 ? state_.frm : instr.mode), state_.fflags);
          state_.fs = 3;
        } else {
          execute(instr, state_);
        }
        last_rd_ = 0xff;
        if (fp_hazard) {
          older_hazard_ = {ready, static_cast<std::uint8_t>(hazard_bytes), true};
        } else {
          older_hazard_ = hazard_;
        }
        fp_hazard = true;
        ready = enter + 2;
        hazard_bytes = instr.d * 0x01010101u;
        ++retired_[static_cast<unsigned>(TimingClass::kFpAddMul)].value;
        break;
      case TimingClass::kLoad:
      case TimingClass::kStore: {
        const std::uint32_t address = effective_address(instr, state_);
        if (instr.bytes != 4 || (address & 3u) != 0 || instr.has(kFp)) {
          goto end;
        }
        if constexpr (kCached) {
          // A jump behind it would ask for its target in the same cycle: fetch_behind_access().
          if (((pc + instr.length) & 0xffcu) == 0) {
            goto end;
          }
          const TimingClass behind = slot[instr.length / 2].timing;
          if (behind == TimingClass::kJal || behind == TimingClass::kIllegal) {
            goto end;
          }
        }
        instr_ = instr;
        enter_ = enter;
        calm_access_ = true;
        // What becomes of rs1, whether it does or not.
        calm_rs1_ = {address, kSinkReg, 0xff};
        if (instr.has(kPostIncrement)) {
          const std::uint32_t by =
              instr.has(kIndexed)
                  ? state_.r[instr.timing == TimingClass::kStore ? instr.c : instr.b]
                  : static_cast<std::uint32_t>(instr.imm);
          calm_rs1_ = {address + by, instr.a == 0 ? std::uint8_t{kSinkReg} : instr.a, instr.a};
        }
        access_.when = Cycle{enter};
        access_.address = address;
        access_.wdata = store_value(instr, state_);
        access_.bytes = 4;
        access_.write = instr.timing == TimingClass::kStore;
        access_.blocking = false;
        waiting_ = Waiting::kData;
        access = true;
        goto end;
      }
      default:
        goto end;
    }
    ++enter;
    const unsigned length = instr.length;
    pc += length;
    slot += length / 2;
    if (pc == state_.loop_watch[0] || pc == state_.loop_watch[1]) [[unlikely]] {
      history_.straight(straight_pc, enter - straight_from);
      pc = loop_back_edge(state_, pc);
      straight_pc = pc;
      straight_from = enter;
      slot = page_ + ((pc >> 1) & 2047);
      if (pc >> 12 != page_number_) {
        break;
      }
    } else if ((pc & 0xffcu) == 0 && pc >> 12 != page_number_) {
      break;
    }
  }
end:
  state_.pc = pc;
  if (fp_hazard) {
    hazard_ = {ready, static_cast<std::uint8_t>(hazard_bytes), true};
    fp_return_ = ready - 1;
  }
  if (enter != begin) {
    ex_enter_ = enter - 1;
    ex_free_ = enter;
    if (enter != straight_from) {
      history_.straight(straight_pc, enter - straight_from);
    }
  }
  return access;
}

// The access of run_calm() was granted, its data come in the next cycle: still a calm pipeline.
[[gnu::always_inline]] inline void Core::complete_calmly(std::uint64_t granted, std::uint32_t rdata,
                                                         StallReason why) {
  const Instr& instr = instr_;
  stalls_[static_cast<unsigned>(why)] += granted - access_.when.raw();
  answered_ = granted + 1;
  waiting_ = Waiting::kNothing;
  state_.r[calm_rs1_.written] = calm_rs1_.value;
  last_rd_ = calm_rs1_.named;
  if (!access_.write) {
    state_.r[instr.d] = rdata;
    add_hazard(instr.d, granted + 2, false);
  }
  ++retired_[static_cast<unsigned>(instr.timing)].value;
  history_.begin(instr.timing, state_.pc);
  ex_enter_ = enter_;
  ex_free_ = granted + 1;
  state_.pc = loop_next(state_, state_.pc + instr.length);
}

}  // namespace etude
