// SPDX-License-Identifier: Apache-2.0
// What a run that fails says: where, and why.
#include <cstdio>

#include "models/base/error.h"
#include "models/iss/isa/decode.h"
#include "sim/engine/engine.h"

namespace etude {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}
}  // namespace

std::string Engine::where(unsigned hart) const {
  return where(hart, Address{platform_.core(hart).pc()});
}

std::string Engine::where(unsigned hart, Address pc) const {
  return "hart " + std::to_string(hart) + " at pc " +
         (options_.symbol ? options_.symbol(pc) : hex(pc.raw())) + ", cycle " +
         std::to_string(now_);
}

// A core has come to where it halts.
void Engine::fail_halted(unsigned hart) {
  const Core& core = *cores_[hart];
  if (core.last_trap().taken && !platform_.is_code(Address{core.pc()})) {
    fail_fetch(hart);
  }
  fail(hart, core.error());
}

void Engine::fail(unsigned hart, const std::string& what) {
  throw ProgramError(where(hart) + ": " + what);
}

// Why an instruction is illegal here: its extension is missing, or its state.
std::string Engine::illegal_text(std::uint32_t word) const {
  const CoreConfig& core = platform_.config().cluster.core;
  IsaConfig isa = parse_isa(core.isa);
  isa.corev_cluster = core.corev_cluster;
  isa.xcvelw = isa.xcvelw || isa.corev_cluster;
  const bool known = decode(word, isa).op != Op::kIllegal;
  isa.xcvelw = isa.corev_cluster = true;
  if (known) {
    return hex(word) + ": no such CSR or rounding mode, or the FPU is off";
  }
  if (decode(word, isa).op != Op::kIllegal) {
    return hex(word) + ": cv.elw, and /platform/cluster/corev_cluster is false";
  }
  return hex(word) + ", not in isa " + core.isa;
}

// Nothing can be fetched where the hart goes on: most often a trap for which there is no handler.
void Engine::fail_fetch(unsigned hart) {
  const TrapInfo& trap = platform_.core(hart).last_trap();
  if (!trap.taken) {
    fail(hart, "jumps to where no program is");
  }
  const std::string why = trap.cause == Cause::kIllegal
                              ? "illegal instruction " + illegal_text(trap.tval)
                              : "mtval " + hex(trap.tval);
  throw ProgramError(where(hart, Address{trap.pc}) + ": trap without handler, mcause " +
                     std::to_string(static_cast<unsigned>(trap.cause)) + ": " + why);
}

void Engine::fail_asleep() {
  if (options_.watch != nullptr) {
    options_.watch->asleep(Cycle{now_});
  }
  std::string text = "everything is asleep for good:";
  for (unsigned h = 0; h < harts_; ++h) {
    text += (h == 0 ? " " : "; ") + where(h);
  }
  throw ProgramError(text);
}

}  // namespace etude
