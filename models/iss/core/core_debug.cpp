// SPDX-License-Identifier: Apache-2.0
// What a debugger reads and changes of a core between two instructions.
#include <algorithm>

#include "models/iss/core/core.h"
#include "models/iss/isa/csr.h"

namespace etude {

std::optional<std::uint32_t> Core::csr(std::uint32_t number, Cycle now) const {
  return csr_read(state_, number, CsrInputs{now.raw() - start_, instructions(), mip_, gated_});
}

bool Core::set_csr(std::uint32_t number, std::uint32_t value, Cycle now) {
  // As csrrw does it, with the sink of x0 in the place of both registers.
  Instr instr;
  instr.op = Op::kCsrrw;
  instr.imm = static_cast<std::int32_t>(number);
  instr.a = instr.d = kSinkReg;
  state_.r[kSinkReg] = value;
  const CsrInputs inputs{now.raw() - start_, instructions(), mip_, gated_};
  if (csr_access(instr, state_, inputs) != CsrResult::kOk) {
    return false;
  }
  fp_mode_changed();
  update_irq();
  became_interruptible_ = false;
  return true;
}

void Core::begin_anew() {
  if (waiting_ != Waiting::kSleep) {
    waiting_ = Waiting::kNothing;
  }
  first_bytes_ = 0;
  second_part_ = false;
  calm_flushes_ = kNoCalmAccess;
}

void Core::go_to(std::uint32_t pc, Cycle now) {
  state_.pc = pc;
  const std::uint64_t at = std::max(now.raw(), ex_free_);
  redirect(at, at + config_.timing.fetch, StallReason::kJump);
}

}  // namespace etude
