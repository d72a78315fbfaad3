// SPDX-License-Identifier: Apache-2.0
// Floating-point operations: issue, return, and the iterative divider.
#include <algorithm>
#include <bit>

#include "models/iss/core/core_inline.h"
#include "models/iss/isa/execute.h"

namespace etude {

Core::FpClass Core::fp_class(TimingClass timing) const {
  if (timing == TimingClass::kFpDivSqrt) {
    return FpClass::kMultiCycle;
  }
  const unsigned latency =
      timing == TimingClass::kFpAddMul ? config_.addmul_latency : config_.others_latency;
  return latency == 0   ? FpClass::kSameCycle
         : latency == 1 ? FpClass::kNextCycle
                        : FpClass::kMultiCycle;
}

// After reset and CSR writes: what FP operations need not check one by one.
void Core::fp_mode_changed() {
  fp_may_trap_ = state_.frm > 4 || (state_.has_f && state_.fs == 0);
  calm_fp_ = 0;
  if (config_.private_fpu && !fp_may_trap_) {
    if (fp_class(TimingClass::kFpAddMul) == FpClass::kNextCycle) {
      calm_fp_ = state_.frm == 0 ? kCalmAddMul | kCalmNearest : kCalmAddMul;
    }
    if (fp_class(TimingClass::kFpOther) == FpClass::kNextCycle) {
      calm_fp_ |= kCalmOther;
    }
  }
}

// Puts an FP operation into EX. False if it now waits for a shared FPU.
bool Core::issue_fp(const Instr& instr, std::uint64_t enter) {
  const FpClass kind = fp_kind_[static_cast<unsigned>(instr.timing) - kFirstFp];
  bubble(enter);
  // An operation must not overtake an earlier one, and the slow class is not pipelined: it stays in
  // EX until the result under way has been written.
  std::uint64_t issue = enter;
  if (slow_fp_.pending) {
    slow_fp_returned(std::max(slow_fp_.due, enter));
    issue = fp_return_ + 1;
  } else if (kind != FpClass::kNextCycle) {
    issue = std::max(enter, fp_return_ + 1);
  }
  stall(StallReason::kFpStructural, issue - enter);
  enter_ = enter;
  if (!config_.private_fpu) {
    instr_ = instr;
    if (fetch_free_ > issue) {
      // As with data: nothing is asked for before the fetch that the core waited for was answered.
      stall(StallReason::kIcacheMiss, fetch_free_ - issue);
      issue = fetch_free_;
    }
    fpu_when_ = issue;
    ex_free_ = issue;
    waiting_ = Waiting::kFpu;
    return false;
  }
  instr_ = instr;
  finish_fp(issue);
  return true;
}

// instr_, in EX since enter_, is taken by the FPU in cycle `issue`.
void Core::finish_fp(std::uint64_t issue) {
  const Instr& instr = instr_;
  const FpClass kind = fp_kind_[static_cast<unsigned>(instr.timing) - kFirstFp];
  std::uint64_t leave = issue + 1;
  unsigned latency = 0;  // of the slow class
  if (instr.timing == TimingClass::kFpDivSqrt) {
    const unsigned cycles = fdiv_cycles(instr);
    latency = (cycles & ~kHeldInEx) - 1;
    if ((cycles & kHeldInEx) != 0) {
      leave += config_.timing.fdiv_denormal;
      stall(StallReason::kFpStructural, config_.timing.fdiv_denormal);
    }
  } else if (kind == FpClass::kMultiCycle) {
    latency =
        instr.timing == TimingClass::kFpAddMul ? config_.addmul_latency : config_.others_latency;
  }
  // While the response in WB is not there, EX is not left and the operation is asked for again.
  if (wb_busy_ > leave) {
    if (kind == FpClass::kMultiCycle) {
      const std::uint64_t again = issue + latency + 1;
      const std::uint64_t last = std::max(leave, again + 1);
      stall(StallReason::kFpStructural, last - leave);
      issue = again;
      leave = last;
    }
    if (wb_busy_ > leave) {
      stall(wb_reason_, wb_busy_ - leave);
      issue = std::max(issue, wb_busy_ - 1);
      leave = wb_busy_;
    }
  }
  if (wb_busy_ <= leave) {
    slow_classes_ = kAlwaysSlow;
  }
  switch (kind) {
    case FpClass::kSameCycle:
      last_rd_ = instr.d;
      break;
    case FpClass::kNextCycle:
      fp_return_ = issue + 1;
      add_hazard(instr.d, issue + 2, true);
      last_rd_ = 0xff;
      break;
    case FpClass::kMultiCycle:
      slow_fp_ = {true, instr.d, issue + latency, 0};
      slow_classes_ = ~0u;
      last_rd_ = 0xff;
      break;
  }
  execute(instr, state_);
  retire(instr, enter_, leave);
  state_.pc = loop_next(state_, state_.pc + instr.length);
}

void Core::complete_fpu(Cycle granted) {
  if (observer_ != nullptr) [[unlikely]] {
    tell_observer();
  }
  history_.clear();  // the run has come to this cycle
  stall(StallReason::kSharedFpu, granted.raw() - fpu_when_);
  waiting_ = Waiting::kNothing;
  answered_ = granted.raw() + 1;
  finish_fp(granted.raw());
}

namespace {

/// A binary32 or binary16 operand taken apart: normalised significand with its leading one at bit
/// 31, exponent of that one.
struct Operand {
  bool special{false};  ///< zero, infinity or NaN
  bool negative{false};
  bool denormal{false};
  std::uint32_t significand{0};
  int exponent{0};
};

Operand take_apart(std::uint32_t bits, bool half) {
  const int fraction_bits = half ? 10 : 23;
  const int top = half ? 31 : 255;
  const int bias = half ? 15 : 127;
  const int biased = static_cast<int>(bits >> fraction_bits) & top;
  const std::uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  Operand operand;
  operand.negative = ((bits >> (half ? 15 : 31)) & 1u) != 0;
  operand.special = biased == top || (biased == 0 && fraction == 0);
  operand.denormal = biased == 0;
  if (!operand.special) {
    const std::uint32_t value = biased == 0 ? fraction : fraction | (1u << fraction_bits);
    const int zeros = std::countl_zero(value);
    operand.significand = value << zeros;
    operand.exponent = (biased == 0 ? 1 : biased) - bias - fraction_bits + 31 - zeros;
  }
  return operand;
}

}  // namespace

// Issue-to-issue cycles of fdiv and fsqrt: two quotient bits per cycle, ended when the rest is 0.
unsigned Core::fdiv_cycles(const Instr& instr) const {
  const CoreTiming& timing = config_.timing;
  const bool half = instr.op == Op::kFdivH || instr.op == Op::kFsqrtH;
  const bool root = instr.op == Op::kFsqrtS || instr.op == Op::kFsqrtH;
  const unsigned all_bits = half ? timing.fdiv_bits_half : timing.fdiv_bits;
  const Operand a = take_apart(state_.r[instr.a], half);
  if (root) {
    if (a.special || a.negative) {
      return timing.fdiv_special;
    }
    // The radicand in [1, 4) with an even exponent: 2^62 <= r < 2^64, its root has 31 fraction
    // bits.
    std::uint64_t r = std::uint64_t{a.significand} << ((a.exponent & 1) != 0 ? 32 : 31);
    std::uint64_t rest = r;
    std::uint64_t q = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 62; bit != 0; bit >>= 2) {
      if (rest >= q + bit) {
        rest -= q + bit;
        q = (q >> 1) + bit;
      } else {
        q >>= 1;
      }
    }
    const unsigned bits = rest != 0 ? all_bits : 31u - static_cast<unsigned>(std::countr_zero(q));
    return timing.fdiv_base + (bits + 1) / 2;
  }
  const Operand b = take_apart(state_.r[instr.b], half);
  if (a.special || b.special) {
    return timing.fdiv_special;
  }
  const bool below = a.significand < b.significand;
  // What is out of range is seen before the quotient is normalised: certain from the exponents
  // alone, and at the border above if the quotient is not below 1 (not looked at when the divisor
  // had to be normalised first).
  const int exponent = a.exponent - b.exponent;
  const int largest = half ? 15 : 127;
  const int smallest = half ? -26 : -150;
  const bool overflow =
      exponent > largest + 1 || (exponent == largest + 1 && !below && !b.denormal);
  unsigned cycles;
  if (overflow || exponent < smallest) {
    cycles = timing.fdiv_range;
  } else {
    // Quotient normalised to [1, 2): 2^31 <= q < 2^32 with 31 fraction bits.
    const std::uint64_t dividend = std::uint64_t{a.significand} << (below ? 32 : 31);
    const std::uint64_t q = dividend / b.significand;
    const unsigned bits =
        dividend % b.significand != 0 ? all_bits : 31u - static_cast<unsigned>(std::countr_zero(q));
    cycles = timing.fdiv_base + (bits + 1) / 2;
  }
  return b.denormal ? (cycles + timing.fdiv_denormal) | kHeldInEx : cycles;
}

}  // namespace etude
