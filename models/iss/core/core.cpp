// SPDX-License-Identifier: Apache-2.0
// The loop of a core: fetch, operands, execution, one instruction after the other.
#include <algorithm>
#include <cstdio>

#include "models/icache/icache.h"
#include "models/iss/core/core_calm.h"
#include "models/iss/core/core_inline.h"
#include "models/iss/isa/execute.h"

namespace etude {
namespace {

constexpr std::int32_t kMip = 0x344;

}  // namespace

// The instruction at the pc, or nullptr where nothing is mapped.
inline const Instr* Core::decoded() {
  const std::uint32_t pc = state_.pc;
  if (pc >> 12 == page_number_) [[likely]] {
    const Instr* const slot = page_ + ((pc >> 1) & 2047);
    if (slot->length != 0) [[likely]] {
      return slot;
    }
  }
  const Instr* const slot = decode_.at(pc);
  if (slot != nullptr) {
    if (pc >> 12 != page_number_) {
      forget_calm_lines();
    }
    page_number_ = pc >> 12;
    page_ = decode_.page(pc);
    calm_ops_ = decode_.calm_ops(pc);
  }
  return slot;
}

template <bool kCached, bool kHeld>
[[gnu::noinline]] CoreWait Core::run_loop(std::uint64_t limit) {
  bool first = true;  // the calm loop has just been tried
  for (;;) {
    if constexpr (kHeld) {
      if (std::exchange(acted_, false)) {
        holder_->after(*this);  // whatever it changes, nothing has begun
      }
    }
    if (!kHeld && !first && calm<kCached>() &&
        run_calm<kCached>(std::min(limit, irq_from_), true)) {
      return CoreWait::kData;
    }
    first = false;
    const Instr* const fetched = decoded();
    if (fetched == nullptr) [[unlikely]] {
      char text[64];
      std::snprintf(text, sizeof text, "instruction fetch from 0x%08x, where no code is mapped",
                    state_.pc);
      fail(text, ex_free_);
      return CoreWait::kHalt;
    }
    const Instr& instr = *fetched;
    if constexpr (kCached) {
      const std::uint32_t pc = state_.pc;
      const std::uint32_t last_half = last_needed(instr, pc, is_target());
      if (jump_step_ != 0 || (pc >> 4) != line_ || (last_half >> 4) != line_) {
        if (!stay_.line && jump_free() <= redirect_fetch_ && here(pc) && here(pc + 4)) [[likely]] {
          jump_step_ = 0;
          line_ = last_half >> 4;
        } else if (!fetch_lines(instr, limit)) {
          return fetch_wait();
        }
      }
    }
    // When it is in ID, when EX is free, when the operands are there.
    std::uint64_t arrival = ex_enter_;
    StallReason late_reason = floor_reason_;
    if (id_floor_ >= arrival) {
      arrival = id_after_floor(instr, arrival);
    }
    if constexpr (kCached) {
      if (arrival < missed_rvalid_ + 3) [[unlikely]] {
        const std::uint64_t floor = id_after_miss(instr, arrival);
        if (floor > arrival) {
          arrival = floor;
          late_reason = StallReason::kIcacheMiss;
        }
      }
      if (stay_.line ? arrival < limit : arrival <= missed_rvalid_) [[unlikely]] {
        note_refused(instr, arrival);
      }
      const std::uint32_t pc = state_.pc;
      if (((pc & 15u) - 6u <= 4u && !here(pc + 16)) || instr.timing == TimingClass::kJal ||
          instr.timing == TimingClass::kJalr) {
        if (!fetch_ahead(instr, arrival, limit)) {
          return fetch_wait();
        }
      }
    }
    const std::uint64_t there = std::max(arrival + 1, ex_free_);
    std::uint64_t enter = there;
    bool check = (slow_classes_ & bit(instr.timing)) != 0;
    if (hazard_.ready() > there) {
      check |= hazard_.named_by(instr) || (kFieldsCount & bit(instr.timing)) != 0;
    }
    if (check) {
      enter = wait_operands(instr, arrival, there);
    }
    if (enter >= limit) {
      return CoreWait::kLimit;
    }
    if (instr.timing == TimingClass::kCsr && instr.imm == kMip) [[unlikely]] {
      stay_.present = limit > enter + 1;
      if (stay_.present) {
        return CoreWait::kLimit;
      }
    }
    if (enter >= irq_from_) [[unlikely]] {
      const auto line = pending_interrupt(state_, mip_);
      enter_interrupt(state_, *line);
      interrupted_ |= 1u << *line;
      redirect(enter + config_.timing.trap - config_.timing.fetch, enter + config_.timing.trap,
               StallReason::kCsr);
      update_irq();
      continue;
    }
    if constexpr (kCached) {
      if ((instr.timing == TimingClass::kLoad || instr.timing == TimingClass::kStore) &&
          !fetch_behind_access(instr, enter)) {
        return fetch_wait();
      }
    }
    if constexpr (kHeld) {
      if (instr.timing != TimingClass::kLoad && instr.timing != TimingClass::kStore &&
          instr.timing != TimingClass::kEventLoad) {
        const std::uint32_t word = instr.word;
        if (!holder_->before(*this)) {
          continue;
        }
        // Code may have been written, and what was decoded is forgotten then.
        if (const Instr* const again = decoded(); again == nullptr || again->word != word) {
          continue;
        }
        acted_ = true;
      }
    }
    if (enter != ex_free_) {
      stall(late_reason, there - ex_free_);
      stall(operand_reason_, enter - there);
    }
    std::uint64_t leave = enter + 1;
    switch (instr.timing) {
      case TimingClass::kAlu:
      case TimingClass::kMul:
        if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
          leave = hold(instr, enter, leave);
        }
        execute(instr, state_);
        last_rd_ = instr.d;
        retire(instr, enter, leave);
        state_.pc = loop_next(state_, state_.pc + instr.length);
        break;
      case TimingClass::kLoad:
      case TimingClass::kStore:
      case TimingClass::kEventLoad:
        if (fp_may_trap_ && illegal_now(instr, state_)) [[unlikely]] {
          take_trap(Cause::kIllegal, instr.word, enter);
          break;
        }
        start_access(instr, enter);
        return CoreWait::kData;
      case TimingClass::kFpAddMul:
      case TimingClass::kFpOther:
      case TimingClass::kFpDivSqrt:
        if (fp_may_trap_ && illegal_now(instr, state_)) [[unlikely]] {
          take_trap(Cause::kIllegal, instr.word, enter);
          break;
        }
        if (slow_classes_ == kAlwaysSlow && config_.private_fpu) [[likely]] {
          // Nothing slow is under way: the operation issues at once.
          const FpClass kind = fp_kind_[static_cast<unsigned>(instr.timing) - kFirstFp];
          if (kind == FpClass::kNextCycle || (kind == FpClass::kSameCycle && enter > fp_return_))
              [[likely]] {
            last_rd_ = instr.d;
            if (kind == FpClass::kNextCycle) {
              last_rd_ = 0xff;
              fp_return_ = leave;
              add_hazard(instr.d, leave + 1, true);
            }
            execute(instr, state_);
            retire(instr, enter, leave);
            state_.pc = loop_next(state_, state_.pc + instr.length);
            break;
          }
        }
        if (!issue_fp(instr, enter)) {
          return CoreWait::kFpu;
        }
        break;
      case TimingClass::kBranch: {
        if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
          leave = hold(instr, enter, leave);
        }
        last_rd_ = 0xff;
        if (branch_taken(instr, state_)) {
          const std::uint32_t target = state_.pc + static_cast<std::uint32_t>(instr.imm);
          if (fetch_misaligned(state_, target)) [[unlikely]] {
            take_trap(Cause::kFetchMisaligned, target, enter);
            break;
          }
          if (take_branch(instr, enter)) {
            retire(instr, enter, leave);
            state_.pc = target;
            break;
          }
          if (halted_) {
            return CoreWait::kHalt;
          }
        }
        retire(instr, enter, leave);
        state_.pc = loop_next(state_, state_.pc + instr.length);
        break;
      }
      case TimingClass::kJal:
      case TimingClass::kJalr: {
        const std::uint32_t target = jump_target(instr, state_);
        if (fetch_misaligned(state_, target)) [[unlikely]] {
          take_trap(Cause::kFetchMisaligned, target, enter);
          break;
        }
        const std::uint64_t id =
            instr.timing == TimingClass::kJalr ? jalr_id(instr, arrival) : arrival;
        if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
          leave = hold(instr, enter, leave);
        }
        jump(instr, state_);
        // Words that came while the jump waited in ID are handed over when it leaves.
        redirect(id, std::max(id + config_.timing.fetch, enter), StallReason::kJump);
        stale_jalr_ = instr.timing == TimingClass::kJalr && instr.a == instr.d;
        if constexpr (kCached) {
          target_fetched(id);
        }
        last_rd_ = instr.d;
        retire(instr, enter, leave);
        state_.pc = target;
        break;
      }
      case TimingClass::kMulh:
      case TimingClass::kDiv: {
        unsigned cycles = config_.timing.mulh;
        if (instr.timing == TimingClass::kDiv) {
          cycles = div_cycles(instr);
        }
        stall(StallReason::kMultiCycle, cycles - 1);
        leave = enter + cycles;
        if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
          leave = hold(instr, enter, leave);
        }
        execute(instr, state_);
        last_rd_ = instr.d;
        retire(instr, enter, leave);
        state_.pc = loop_next(state_, state_.pc + instr.length);
        break;
      }
      case TimingClass::kHwLoop:
        if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
          leave = hold(instr, enter, leave);
        }
        execute(instr, state_);
        last_rd_ = 0xff;
        retire(instr, enter, leave);
        check_loop(instr);
        calm_bound_ = calm_from_;
        state_.pc = loop_next(state_, state_.pc + instr.length);
        break;
      case TimingClass::kCsr:
        execute_csr(instr, enter);
        if (became_interruptible_) [[unlikely]] {
          became_interruptible_ = false;
          return CoreWait::kLimit;
        }
        break;
      case TimingClass::kFence:
      case TimingClass::kSystem:
        if (!execute_system(instr, enter)) {
          return CoreWait::kSleep;
        }
        if (became_interruptible_) [[unlikely]] {
          became_interruptible_ = false;
          return CoreWait::kLimit;
        }
        break;
      case TimingClass::kIllegal:
        take_trap(Cause::kIllegal, instr.word, enter);
        break;
    }
  }
}

template CoreWait Core::run_loop<true>(std::uint64_t limit);

template <bool kCached>
[[gnu::always_inline]] inline CoreWait Core::enter_loop(std::uint64_t limit) {
  if (kCached && icache_flushes_ != icache_->flushes()) [[unlikely]] {
    forget_lines();
  }
  if (calm<kCached>() && run_calm<kCached>(std::min(limit, irq_from_), true)) {
    return CoreWait::kData;
  }
  return run_loop<kCached>(limit);
}

CoreWait Core::run(Cycle limit) {
  if (waiting_ == Waiting::kNothing && !halted_) [[likely]] {
    return icache_ != nullptr ? enter_loop<true>(limit.raw()) : enter_loop<false>(limit.raw());
  }
  if (halted_) {
    return CoreWait::kHalt;
  }
  switch (waiting_) {
    case Waiting::kData:
      return CoreWait::kData;
    case Waiting::kFetch:
      return CoreWait::kFetch;
    case Waiting::kLine:
      return CoreWait::kLine;
    case Waiting::kFpu:
      return CoreWait::kFpu;
    default:
      if ((mip_ & state_.csr.mie) == 0) {
        return CoreWait::kSleep;
      }
      finish_sleep();
      return run(limit);
  }
}

CoreWait Core::run_held(Cycle limit, CoreHolder& holder) {
  holder_ = &holder;
  if (waiting_ == Waiting::kSleep && (mip_ & state_.csr.mie) != 0) {
    finish_sleep();
  }
  if (waiting_ != Waiting::kNothing || halted_) {
    return run(limit);  // nothing is executed
  }
  if (icache_ != nullptr && icache_flushes_ != icache_->flushes()) {
    forget_lines();
  }
  const CoreWait wait =
      icache_ != nullptr ? run_loop<true, true>(limit.raw()) : run_loop<false, true>(limit.raw());
  // What waits for an FPU or has halted has not been executed.
  if (std::exchange(acted_, false) && wait != CoreWait::kFpu && wait != CoreWait::kHalt &&
      !holder.after(*this)) {
    return run_held(limit, holder);
  }
  return wait;
}

// The usual end of an access: aligned, data in the cycle behind the grant, nothing else under way.
// False if it is none of that kind; nothing has been done then but to book the wait.
[[gnu::always_inline]] inline bool Core::complete_quickly(std::uint64_t granted,
                                                          std::uint32_t rdata, StallReason why) {
  const std::uint64_t leave = granted + 1;
  leave_calm_access();
  stalls_[static_cast<unsigned>(why)] += granted - access_.when.raw();
  history_.clear();  // the run has come to this cycle
  answered_ = leave;
  if (slow_classes_ != kAlwaysSlow || first_bytes_ != 0 || access_.blocking) [[unlikely]] {
    return false;
  }
  const Instr& instr = instr_;
  waiting_ = Waiting::kNothing;
  last_rd_ = 0xff;
  if (instr.has(kPostIncrement)) {
    post_increment(instr, state_);
    last_rd_ = instr.a;
  }
  if (!access_.write) {
    finish_load(instr, state_, rdata);
    add_hazard(instr.d, leave + 1, false);
  }
  retire(instr, enter_, leave);
  state_.pc = loop_next(state_, state_.pc + instr.length);
  return true;
}

[[gnu::always_inline]] inline void Core::complete_now(Cycle granted, Cycle responded,
                                                      std::uint32_t rdata, StallReason why) {
  if (responded.raw() != granted.raw() + 1) {
    leave_calm_access();
    stalls_[static_cast<unsigned>(why)] += granted.raw() - access_.when.raw();
    history_.clear();
    answered_ = granted.raw() + 1;
  } else if (complete_quickly(granted.raw(), rdata, why)) {
    return;
  }
  wb_reason_ = why;
  complete_slowly(granted, responded, rdata);
}

void Core::complete(Cycle granted, Cycle responded, std::uint32_t rdata, StallReason why) {
  if (told_) [[unlikely]] {
    return complete_observed(granted, responded, rdata, why);
  }
  complete_now(granted, responded, rdata, why);
}

[[gnu::always_inline]] inline CoreWait Core::complete_and_go_on(Cycle granted, std::uint32_t rdata,
                                                                StallReason why, Cycle limit) {
  if (icache_ != nullptr && in_straight_code(icache_->flushes())) [[likely]] {
    return complete_straight_and_run(granted, rdata, why, limit);
  }
  if (!complete_quickly(granted.raw(), rdata, why)) [[unlikely]] {
    wb_reason_ = why;
    complete_slowly(granted, granted + Cycle{1}, rdata);
    return run(limit);
  }
  return icache_ != nullptr ? enter_loop<true>(limit.raw()) : enter_loop<false>(limit.raw());
}

CoreWait Core::complete_and_run(Core& core, Cycle granted, std::uint32_t rdata, StallReason why,
                                Cycle limit) {
  return core.complete_and_go_on(granted, rdata, why, limit);
}

CoreWait Core::complete_observed_and_run(Core& core, Cycle granted, std::uint32_t rdata,
                                         StallReason why, Cycle limit) {
  core.tell_observer(granted.raw(), rdata, why);
  return core.complete_and_go_on(granted, rdata, why, limit);
}

[[gnu::noinline]] void Core::tell_observer() { observer_->booked(*this); }

// Before the history is forgotten, since the access is granted.
inline void Core::tell_observer(std::uint64_t granted, std::uint32_t rdata, StallReason why) {
  if (observer_ != nullptr) {
    observer_->booked(*this);
    observer_->waited(why, granted - access_.when.raw());
  }
  if (accesses_ != nullptr) {
    accesses_->accessed(*this, Cycle{granted}, rdata);
  }
}

[[gnu::noinline]] void Core::complete_observed(Cycle granted, Cycle responded, std::uint32_t rdata,
                                               StallReason why) {
  tell_observer(granted.raw(), rdata, why);
  complete_now(granted, responded, rdata, why);
}

}  // namespace etude
