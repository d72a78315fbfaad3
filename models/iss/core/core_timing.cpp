// SPDX-License-Identifier: Apache-2.0
// When an instruction may enter EX and how long it stays there: the pipeline's interlocks.
#include <algorithm>
#include <bit>

#include "models/iss/core/core_inline.h"
#include "models/iss/isa/execute.h"

namespace etude {

namespace {
bool is_fp(TimingClass timing) {
  return timing == TimingClass::kFpAddMul || timing == TimingClass::kFpOther ||
         timing == TimingClass::kFpDivSqrt;
}
}  // namespace

// The next instruction cannot be in ID before id_floor_. IF hands over to ID only when ID takes
// something, so an instruction that comes late also waits for that: bubbles do not collapse. The
// two words of a target that crosses a word are handed over one after the other.
std::uint64_t Core::id_after_floor(const Instr& instr, std::uint64_t arrival) const {
  std::uint64_t id = id_floor_ > arrival ? std::max(id_floor_, id_open()) : arrival;
  if (redirected_ && (state_.pc & 2u) != 0 && instr.length == 4) {
    id = std::max(id + config_.timing.misaligned_word, id_open());
  }
  return id;
}

// Registers that are really read: what a load in EX is compared with.
bool Core::reads(const Instr& instr, unsigned reg) const {
  return (instr.has(kReadsRs1) && instr.a == reg) || (instr.has(kReadsRs2) && instr.b == reg) ||
         (instr.has(kReadsRs3) && instr.c == reg);
}

// Registers that the FPU dispatcher sees: operand fields count even where the instruction does not
// use them, if its operand multiplexers stand at their defaults.
bool Core::apu_reads(const Instr& instr, unsigned reg) const {
  if (reads(instr, reg)) {
    return true;
  }
  switch (instr.timing) {
    case TimingClass::kFpOther:
    case TimingClass::kFpDivSqrt:
      // fmv.w.x feeds rs1 to both inputs.
      return !instr.has(kReadsRs2) && instr.op != Op::kFmvWX &&
             reg == instr.rs2 + (state_.has_f ? kFpRegs : 0u);
    case TimingClass::kHwLoop:
    case TimingClass::kFence:
      return reg == instr.rs1 || reg == instr.rs2;
    default:
      return false;
  }
}

bool Core::writes_alu_port(const Instr& instr) const {
  switch (instr.timing) {
    case TimingClass::kAlu:
    case TimingClass::kMul:
    case TimingClass::kMulh:
    case TimingClass::kDiv:
    case TimingClass::kJal:
    case TimingClass::kJalr:
    case TimingClass::kCsr:
      return true;
    default:
      return instr.has(kPostIncrement);
  }
}

// The register that the ALU port writes: of a post-increment access, its pointer.
std::uint8_t Core::alu_port_register(const Instr& instr) {
  if (!instr.has(kPostIncrement)) {
    return instr.d;
  }
  return instr.a == 0 ? std::uint8_t{kSinkReg} : instr.a;
}

// First cycle in ID in which jalr finds rs1 neither in EX nor in WB: its target is asked for then.
std::uint64_t Core::jalr_id(const Instr& instr, std::uint64_t arrival) const {
  std::uint64_t id = arrival;
  if (instr.a == last_rd_) {
    id = std::max(id, ex_free_);
  }
  for (const Hazard& hazard : {hazard_, older_hazard_}) {
    if (hazard.reg() == instr.a) {
      id = std::max(id, hazard.ready());
    }
  }
  if (slow_fp_.reg == instr.a) {
    id = std::max(id, (slow_fp_.pending ? slow_fp_return() : slow_fp_.returned) + 1);
  }
  return id;
}

// First EX cycle, at or after `enter`, in which the operands are there. Changes nothing but
// operand_reason_, so that it may be asked again.
std::uint64_t Core::wait_operands(const Instr& instr, std::uint64_t arrival, std::uint64_t enter) {
  const bool fp = is_fp(instr.timing);
  auto raise = [&](std::uint64_t ready, StallReason why) {
    if (ready > enter) {
      enter = ready;
      operand_reason_ = why;
    }
  };
  if (hazard_.ready() > enter) {
    if (hazard_.fp()) {
      if (apu_reads(instr, hazard_.reg()) ||
          (!fp && instr.has(kWritesRd) && instr.d == hazard_.reg())) {
        raise(hazard_.ready(), StallReason::kFpDependency);
      }
    } else if (reads(instr, hazard_.reg()) ||
               (writes_alu_port(instr) && alu_port_register(instr) == hazard_.reg())) {
      raise(hazard_.ready(), StallReason::kLoadUse);
    }
  }
  if (slow_fp_.pending && (apu_reads(instr, slow_fp_.reg) ||
                           (!fp && instr.has(kWritesRd) && instr.d == slow_fp_.reg))) {
    raise(slow_fp_return() + 1, StallReason::kFpDependency);
  }
  if (instr.timing == TimingClass::kCsr) {
    const std::uint64_t last = slow_fp_.pending ? slow_fp_return() : fp_return_;
    if (last != 0) {
      raise(last + 2, StallReason::kFpDependency);
    }
  } else if (instr.timing == TimingClass::kJalr) {
    raise(jalr_id(instr, arrival) + 1,
          hazard_.reg() == instr.a && !hazard_.fp() ? StallReason::kLoadUse : StallReason::kJump);
  }
  return enter;
}

// EX is empty from ex_free_ to `enter`: a waiting FP result is written then.
void Core::bubble(std::uint64_t enter) {
  if (slow_fp_.pending && slow_fp_return() < enter) {
    slow_fp_returned(slow_fp_return());
  }
}

// True if the FP result cannot be written in `cycle`, while `instr` is in EX since `enter`.
bool Core::return_blocked(const Instr& instr, std::uint64_t enter, std::uint64_t cycle) {
  if (instr.has(kPostIncrement) || (instr.bytes != 0 && first_bytes_ != 0)) {
    return true;
  }
  if (instr.timing == TimingClass::kMulh && cycle > enter) {
    return true;
  }
  if (!writes_alu_port(instr)) {
    return false;
  }
  if (cycle == response_[0] || cycle == response_[1]) {
    return true;
  }
  // jalr in ID beside an ALU writer in EX.
  if (instr.timing != TimingClass::kJal && instr.timing != TimingClass::kJalr) {
    const Instr* next = decode_.at(state_.pc + instr.length);
    return next != nullptr && next->timing == TimingClass::kJalr;
  }
  return false;
}

// `instr` is in EX from `enter` and would leave it at `leave`: the response that WB waits for and
// the write port of a returning FP result may keep it longer. Books that.
std::uint64_t Core::hold(const Instr& instr, std::uint64_t enter, std::uint64_t leave) {
  bubble(enter);
  if (wb_busy_ > leave) {
    stall(wb_reason_, wb_busy_ - leave);
    leave = wb_busy_;
  }
  if (slow_fp_.pending) {
    for (std::uint64_t cycle = std::max(slow_fp_.due, enter); cycle < leave; ++cycle) {
      if (!return_blocked(instr, enter, cycle)) {
        if (cycle == leave - 1 && writes_alu_port(instr)) {
          stall(StallReason::kFpStructural, 1);
          ++leave;
        }
        slow_fp_returned(cycle);
        break;
      }
    }
    slow_fp_.due = std::max(slow_fp_.due, leave);
  }
  if (!slow_fp_.pending && wb_busy_ <= leave) {
    slow_classes_ = kAlwaysSlow;
  }
  return leave;
}

// One quotient bit per cycle from the leading one of the divisor's magnitude on (of its complement,
// if it is negative).
unsigned Core::div_cycles(const Instr& instr) const {
  const std::uint32_t divisor = state_.r[instr.b];
  const bool is_signed = instr.op == Op::kDiv || instr.op == Op::kRem;
  if (is_signed && (divisor >> 31) != 0) {
    return config_.timing.div_base - 1 + static_cast<unsigned>(std::countl_zero(~divisor));
  }
  return config_.timing.div_base + static_cast<unsigned>(std::countl_zero(divisor));
}

// The instruction at state_.pc is asked for in cycle `fetch` and can be in ID at `arrival`.
void Core::redirect(std::uint64_t fetch, std::uint64_t arrival, StallReason why) {
  redirect_fetch_ = fetch;
  id_floor_ = arrival;
  redirected_ = true;
  stale_jalr_ = false;
  jump_step_ = 1;
  ahead_step_ = 0;
  floor_reason_ = why;
}

}  // namespace etude
