// SPDX-License-Identifier: Apache-2.0
// Data accesses, CSRs, traps, sleep, interrupts, and what no program wants in a hardware loop.
#include <algorithm>
#include <cstdio>

#include "models/iss/core/core_inline.h"
#include "models/iss/isa/execute.h"

namespace etude {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

// Accesses of these CSRs (writes only, of frm and fcsr) flush the pipeline.
bool flushes(std::uint32_t number, bool writes) {
  switch (number) {
    case 0x300:  // mstatus
    case 0x305:  // mtvec
    case 0x341:  // mepc
    case 0x342:  // mcause
    case 0x320:  // mcountinhibit
      return true;
    case 0x002:  // frm
    case 0x003:  // fcsr
      return writes;
    default:
      break;
  }
  const std::uint32_t block = number & 0xfe0u;
  return (block == 0x320 && number > 0x322) ||
         ((number & 0x7fu) < 0x20 && (number & 0xf00u) == 0xb00) ||
         (number >= 0xc00 && number < 0xc20) || (number >= 0xc80 && number < 0xca0);
}

}  // namespace

// A load or store enters EX: its (first) request is up in the same cycle.
void Core::start_access(const Instr& instr, std::uint64_t enter) {
  bubble(enter);
  instr_ = instr;
  if (stood_until_ > enter) [[unlikely]] {
    // The model stood still for a line where the pipeline would not: nothing is asked for in the
    // past.
    stall(StallReason::kIcacheMiss, stood_until_ - enter);
    enter = stood_until_;
  }
  enter_ = enter;
  ex_free_ = enter;
  const std::uint32_t address = effective_address(instr, state_);
  const bool store = instr.timing == TimingClass::kStore;
  const unsigned offset = address & 3u;
  const unsigned bytes = instr.bytes;
  if (store) {
    store_data_ = store_value(instr, state_);
  }
  first_bytes_ = offset + bytes > 4 ? static_cast<std::uint8_t>(4 - offset) : 0;
  access_.when = Cycle{enter};
  access_.address = address;
  access_.bytes = first_bytes_ != 0 ? first_bytes_ : static_cast<std::uint8_t>(bytes);
  access_.write = store;
  access_.blocking = instr.timing == TimingClass::kEventLoad;
  if (store) {
    access_.wdata = store_data_;
    if (access_.bytes != 4) {
      access_.wdata &= (1u << (8 * access_.bytes)) - 1;
    }
  }
  second_part_ = false;
  calm_flushes_ = kNoCalmAccess;
  waiting_ = Waiting::kData;
}

// The first part of a misaligned access, responses that come late, cv.elw, or a slow FP operation
// under way.
void Core::complete_slowly(Cycle granted, Cycle responded, std::uint32_t rdata) {
  if (first_bytes_ != 0) [[unlikely]] {
    if (!second_part_) {
      // The other part of a misaligned access is asked for in the next cycle, if the response that
      // WB waits for does not come later.
      stall(StallReason::kMisaligned, 1);
      second_part_ = true;
      first_data_ = rdata;
      first_response_ = responded.raw();
      const unsigned taken = first_bytes_;
      access_.when = Cycle{granted.raw() + 1};
      access_.address = (access_.address | 3u) + 1;
      access_.bytes = static_cast<std::uint8_t>(instr_.bytes - taken);
      access_.wdata = access_.write ? store_data_ >> (8 * taken) : 0;
      if (access_.write) {
        access_.wdata &= (1u << (8 * access_.bytes)) - 1;
      }
      ex_free_ = access_.when.raw();
      return;
    }
    rdata = first_data_ | rdata << (8 * first_bytes_);
    wb_busy_ = std::max(wb_busy_, first_response_ + 1);
    if (wb_busy_ > granted.raw() + 1) {
      slow_classes_ = ~0u;
    }
  }
  waiting_ = Waiting::kNothing;
  const Instr& instr = instr_;
  post_increment(instr, state_);
  if (!access_.write) {
    finish_load(instr, state_, rdata);
  }
  finish_access(granted.raw(), responded.raw());
}

void Core::finish_access(std::uint64_t granted, std::uint64_t responded) {
  const Instr& instr = instr_;
  std::uint64_t leave = granted + 1;
  if (slow_classes_ != kAlwaysSlow) [[unlikely]] {
    leave = hold(instr, enter_, leave);
  }
  first_bytes_ = 0;
  response_[1] = response_[0];
  response_[0] = responded;
  if (instr.timing == TimingClass::kEventLoad) {
    // The controller sleeps, wakes and decodes again; what is left of it in ID may wait for its own
    // result first.
    id_floor_ = granted + config_.timing.elw + (instr.a == instr.d ? config_.timing.elw_own : 0);
    const std::uint64_t asked = granted - std::min(granted, access_.when.raw());
    gated_ += asked - std::min<std::uint64_t>(asked, config_.timing.elw_awake);
    redirected_ = false;
    floor_reason_ = StallReason::kCsr;
  } else {
    if (!access_.write) {
      add_hazard(instr.d, std::max(leave, responded) + 1, false);
    }
    if (responded > leave) {
      wb_busy_ = responded + 1;
      slow_classes_ = ~0u;
    }
  }
  last_rd_ = instr.has(kPostIncrement) ? instr.a : std::uint8_t{0xff};
  retire(instr, enter_, leave);
  state_.pc = loop_next(state_, state_.pc + instr.length);
}

void Core::execute_csr(const Instr& instr, std::uint64_t enter) {
  const auto number = static_cast<std::uint32_t>(instr.imm);
  const CsrInputs inputs{enter - start_, instructions(), enter >= mip_from_ ? mip_ : 0, gated_};
  const CsrResult result = csr_access(instr, state_, inputs);
  if (result == CsrResult::kIllegal) {
    take_trap(Cause::kIllegal, instr.word, enter);
    return;
  }
  if (result == CsrResult::kIgnoredWrite) {
    warn("write of CSR " + hex(number) + " at pc " + hex(state_.pc) +
         " has no effect (cycle and hardware-loop registers are read only)");
  }
  const std::uint64_t leave = hold(instr, enter, enter + 1);
  const bool writes = instr.op == Op::kCsrrw || instr.op == Op::kCsrrwi || instr.rs1 != 0;
  if (flushes(number, writes)) {
    id_floor_ = leave + config_.timing.csr_flush;
    redirected_ = false;
    floor_reason_ = StallReason::kCsr;
  }
  last_rd_ = instr.d;
  retire(instr, enter, leave);
  state_.pc = loop_next(state_, state_.pc + instr.length);
  fp_mode_changed();
  update_irq();
}

// ecall, ebreak, mret, wfi, fences. False if the core now sleeps.
bool Core::execute_system(const Instr& instr, std::uint64_t enter) {
  const CoreTiming& timing = config_.timing;
  switch (instr.op) {
    case Op::kFence:
    case Op::kFenceI: {
      const Instr copy = instr;
      const std::uint64_t leave = hold(copy, enter, enter + 1);
      if (copy.op == Op::kFenceI) {
        decode_.flush();
      }
      redirect(enter + timing.fence - timing.fetch, enter + timing.fence, StallReason::kCsr);
      last_rd_ = 0xff;
      retire(copy, enter, leave);
      state_.pc = loop_next(state_, state_.pc + copy.length);
      return true;
    }
    case Op::kEcall:
      take_trap(Cause::kEcallM, 0, enter);
      return true;
    case Op::kEbreak:
      take_trap(Cause::kBreakpoint, state_.pc, enter);
      return true;
    case Op::kMret: {
      const std::uint64_t leave = hold(instr, enter, enter + 1);
      redirect(enter + timing.mret - timing.fetch, enter + timing.mret, StallReason::kCsr);
      last_rd_ = 0xff;
      retire(instr, enter, leave);
      mret(state_);
      update_irq();
      return true;
    }
    default: {  // wfi
      const std::uint64_t leave = hold(instr, enter, enter + 1);
      sleep_from_ = enter + timing.sleep_entry;
      last_rd_ = 0xff;
      retire(instr, enter, leave);
      state_.pc = loop_next(state_, state_.pc + instr.length);
      if ((mip_ & state_.csr.mie) != 0) {
        finish_sleep();
        return true;
      }
      waiting_ = Waiting::kSleep;
      return false;
    }
  }
}

void Core::finish_sleep() {
  waiting_ = Waiting::kNothing;
  const std::uint64_t woken = std::max(mip_from_, sleep_from_);
  id_floor_ = woken + config_.timing.wake;
  redirected_ = false;
  floor_reason_ = StallReason::kSleep;
}

void Core::take_trap(Cause cause, std::uint32_t tval, std::uint64_t enter) {
  Instr slot;  // its EX cycle counts as busy, but it does not retire
  const std::uint64_t leave = hold(slot, enter, enter + 1);
  trap_ = {true, cause, state_.pc, tval};
  redirect(enter + config_.timing.trap - config_.timing.fetch, enter + config_.timing.trap,
           StallReason::kCsr);
  last_rd_ = 0xff;
  retire(slot, enter, leave);
  enter_trap(state_, cause, tval);
  update_irq();
}

// A branch in EX that the program takes. False if the core does not.
bool Core::take_branch(const Instr& instr, std::uint64_t enter) {
  const std::uint32_t pc = state_.pc;
  for (const HwLoop& loop : state_.loop) {
    if (loop.count != 0 && pc >= loop.start && pc < loop.end) {
      const std::string text = "taken branch at pc " + hex(pc) +
                               " inside the body of a hardware loop (" + hex(loop.start) + " to " +
                               hex(loop.end) + "): the core does not take it";
      if (config_.ignore_loop_branches) {
        warn(text);
      } else {
        fail(text, enter);
      }
      return false;
    }
  }
  std::uint64_t arrival = enter + config_.timing.fetch;
  if (slow_fp_.pending) [[unlikely]] {
    // A CSR instruction behind the branch was decoded already, and keeps ID stalled until the FP
    // result under way has returned.
    const Instr* shadow = decode_.at(pc + instr.length);
    if (shadow != nullptr && shadow->timing == TimingClass::kCsr) {
      arrival = std::max(arrival, std::max(slow_fp_.due, enter + 1) + 2);
    }
  }
  redirect(enter, arrival, StallReason::kBranch);
  return true;
}

// Bodies below three instructions: as the RTL does it, with a warning.
void Core::check_loop(const Instr& instr) {
  HwLoop loop = state_.loop[instr.mode & 1u];
  const std::uint32_t length = loop.end - loop.start;
  if (loop.count < 2 || (length != 4 && length != 8)) {
    return;
  }
  warn("hardware loop set up at pc " + hex(state_.pc) + " has a body of " +
       std::to_string(length / 4) + " (three instructions are the minimum): " +
       (length == 4 ? "it is left after two passes" : "it costs a cycle more"));
  if (length == 4) {
    loop.count = 2;
    state_.set_loop(instr.mode & 1u, loop);
  } else {
    id_floor_ = ex_free_;
    redirected_ = false;
    floor_reason_ = StallReason::kBranch;
  }
}

void Core::set_irq_lines(std::uint32_t mip, Cycle from) {
  mip_ = mip;
  mip_from_ = from.raw();
  update_irq();
}

void Core::update_irq() {
  // The cluster does not know yet that this core must not run ahead any more.
  became_interruptible_ = !stay_.interrupts && interrupts_possible();
  stay_.interrupts = interrupts_possible();
  irq_from_ = pending_interrupt(state_, mip_) ? mip_from_ : ~std::uint64_t{0};
}

void Core::warn(const std::string& text) {
  constexpr std::size_t kMost = 8;
  if (warnings_.size() < kMost &&
      std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) {
    warnings_.push_back(text);
  }
}

// Stops the core for good.
void Core::fail(const std::string& text, std::uint64_t when) {
  halted_ = true;
  halted_when_ = when;
  error_ = text;
  if (trap_.taken) {
    error_ += "; last exception: cause " + std::to_string(static_cast<unsigned>(trap_.cause)) +
              " at pc " + hex(trap_.pc) + ", tval " + hex(trap_.tval);
  }
}

}  // namespace etude
