// SPDX-License-Identifier: Apache-2.0
// The loop of a core: fetch, operands, execution, one instruction after the other.
#include "models/iss/core/core.h"

#include <algorithm>
#include <cstdio>

#include "models/icache/icache.h"
#include "models/iss/isa/execute.h"
#include "models/numerics/softfloat.h"

namespace etude {

Core::Core(const sc_core::sc_module_name& name, const CoreConfig& config, DecodeCache& decode,
           CsrMap csr_map, unsigned hart_id)
    : sc_module(name), config_(config), decode_(decode), state_(decode.isa(), csr_map, hart_id) {
  for (const TimingClass timing :
       {TimingClass::kFpAddMul, TimingClass::kFpOther, TimingClass::kFpDivSqrt}) {
    fp_kind_[static_cast<unsigned>(timing) - kFirstFp] = fp_class(timing);
  }
  reset(0, Cycle{0});
}

void Core::reset(std::uint32_t pc, Cycle start) {
  state_.reset(pc);
  start_ = start.raw();
  ex_enter_ = ex_free_ = start_;
  wb_busy_ = 0;
  hazard_ = older_hazard_ = Hazard{};
  slow_fp_ = SlowFp{false, 0xff, 0, 0};
  fp_return_ = 0;
  response_[0] = response_[1] = ~std::uint64_t{0};
  last_rd_ = 0xff;
  slow_classes_ = kAlwaysSlow;
  waiting_ = Waiting::kNothing;
  second_part_ = false;
  halted_ = false;
  first_bytes_ = 0;
  fetch_free_ = 0;
  outstanding_ = false;
  stood_until_ = 0;
  answered_ = 0;
  missed_rvalid_ = 0;
  missed_word_ = ~0u;
  older_missed_rvalid_ = 0;
  older_missed_word_ = ~0u;
  lines_[0] = lines_[1] = line_ = calm_line_ = ~0u;
  known_.fill(~0u);
  mip_ = 0;
  mip_from_ = 0;
  irq_from_ = ~std::uint64_t{0};
  interruptible_ = became_interruptible_ = false;
  for (Counter& counter : retired_) {
    counter.value = 0;
  }
  stalls_ = {};
  trap_ = {};
  error_.clear();
  warnings_.clear();
  fp_mode_changed();
  redirect(start_, start_ + config_.timing.fetch, StallReason::kSleep);
}

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
    page_number_ = pc >> 12;
    page_ = decode_.page(pc);
  }
  return slot;
}

// Nothing is under way that a straight run of instructions would have to look at.
template <bool kCached>
bool Core::calm() const {
  return slow_classes_ == kAlwaysSlow && id_floor_ < ex_enter_ && retire_hook_ == nullptr &&
         (!kCached || (missed_rvalid_ + 3 <= ex_enter_ && jump_step_ == 0));
}

// Straight code in a calm pipeline: nothing but the last load or FP result to wait for, each
// instruction in EX one cycle after the one before. Ends in front of the first instruction that is
// not of that kind, or that would enter EX at `stop`; true if it is a data access, which then
// waits. Inline, so that a core that is resumed for two or three instructions pays for one call.
template <bool kCached>
[[gnu::always_inline]] inline bool Core::run_calm(std::uint64_t stop) {
  std::uint32_t pc = state_.pc;
  std::uint64_t enter = ex_free_;
  bool access = false;
  calm_line_ = ~0u;  // a loop may have ended since, and the line behind it is needed now
  for (;;) {
    if (pc >> 12 != page_number_ || enter >= stop) {
      break;
    }
    const Instr& instr = page_[(pc >> 1) & 2047];
    if (instr.length == 0) {
      break;
    }
    if constexpr (kCached) {
      if (pc >> 4 != calm_line_) {
        // The next line will be looked up from this one: both must be here.
        if (!known(pc)) {
          break;
        }
        if (known(pc + 16)) {
          calm_line_ = pc >> 4;
        } else if (!loop_ends_in_line(pc)) {  // not kept: the last pass goes on behind the loop
          break;
        }
      }
    }
    if (hazard_.ready > enter && hazard_.named_by(instr)) {
      break;
    }
    switch (instr.timing) {
      case TimingClass::kAlu:
      case TimingClass::kMul:
        state_.pc = pc;
        execute(instr, state_);
        last_rd_ = instr.d;
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
        fp_return_ = enter + 1;
        add_hazard(instr.d, enter + 2, true);
        break;
      case TimingClass::kLoad:
      case TimingClass::kStore: {
        const std::uint32_t address = effective_address(instr, state_);
        if (instr.bytes != 4 || (address & 3u) != 0 || instr.has(kFp)) {
          goto end;
        }
        instr_ = instr;
        enter_ = enter;
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
    ++retired_[static_cast<unsigned>(instr.timing)].value;
    ++enter;
    pc += instr.length;
    if (pc == state_.loop_watch[0] || pc == state_.loop_watch[1]) [[unlikely]] {
      pc = loop_back_edge(state_, pc);
      calm_line_ = ~0u;  // after the last pass the line behind is needed
    }
  }
end:
  state_.pc = pc;
  if (enter != ex_free_) {
    ex_enter_ = enter - 1;
    ex_free_ = enter;
  }
  return access;
}

template <bool kCached>
[[gnu::noinline]] CoreWait Core::run_loop(std::uint64_t limit) {
  bool first = true;  // the calm loop has just been tried
  for (;;) {
    if (!first && calm<kCached>() && run_calm<kCached>(std::min(limit, irq_from_))) {
      return CoreWait::kData;
    }
    first = false;
    const Instr* const fetched = decoded();
    if (fetched == nullptr) [[unlikely]] {
      char text[64];
      std::snprintf(text, sizeof text, "instruction fetch from 0x%08x, where no code is mapped",
                    state_.pc);
      fail(text);
      return CoreWait::kHalt;
    }
    const Instr& instr = *fetched;
    if constexpr (kCached) {
      const std::uint32_t pc = state_.pc;
      const std::uint32_t last_half = pc + instr.length - 2;
      if (jump_step_ != 0 || (pc >> 4) != line_ || (last_half >> 4) != line_) {
        if (known(pc) && known(pc + 4) && !outstanding_ && fetch_free_ <= redirect_fetch_)
            [[likely]] {
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
      const std::uint32_t pc = state_.pc;
      if (((pc & 15u) - 6u <= 4u && !known(pc + 16)) || instr.timing == TimingClass::kJal ||
          instr.timing == TimingClass::kJalr) {
        if (!fetch_ahead(instr, arrival, limit)) {
          return fetch_wait();
        }
      }
    }
    const std::uint64_t there = std::max(arrival + 1, ex_free_);
    std::uint64_t enter = there;
    bool check = (slow_classes_ & bit(instr.timing)) != 0;
    if (hazard_.ready > there) {
      check |= hazard_.named_by(instr) || (kFieldsCount & bit(instr.timing)) != 0;
    }
    if (check) {
      enter = wait_operands(instr, arrival, there);
    }
    if (enter >= limit) {
      return CoreWait::kLimit;
    }
    if (enter >= irq_from_) [[unlikely]] {
      const auto line = pending_interrupt(state_, mip_);
      enter_interrupt(state_, *line);
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
        redirect(id, id + config_.timing.fetch, StallReason::kJump);
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

template <bool kCached>
[[gnu::noinline]] CoreWait Core::enter_loop(std::uint64_t limit) {
  if (kCached && icache_flushes_ != icache_->flushes()) [[unlikely]] {
    forget_lines();
  }
  if (calm<kCached>() && run_calm<kCached>(std::min(limit, irq_from_))) {
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

std::uint64_t Core::instructions() const {
  std::uint64_t sum = 0;
  for (const Counter& counter : retired_) {
    sum += counter.value;
  }
  return sum - retired(TimingClass::kIllegal);
}

std::uint64_t Core::busy_cycles() const { return instructions() + retired(TimingClass::kIllegal); }

void Core::settle(Cycle end, StallReason why) {
  if (end.raw() > ex_free_) {
    stall(why, end.raw() - ex_free_);
    ex_free_ = end.raw();
  }
}

void Core::report_retired(const Instr& instr, std::uint64_t enter, std::uint64_t leave) {
  retire_hook_(retire_context_, *this, Retired{Cycle{enter}, Cycle{leave}, state_.pc, &instr});
}

void Core::visit_counters(const CounterVisitor& visit) const {
  for (const Counter& counter : retired_) {
    visit(counter);
  }
}

}  // namespace etude
