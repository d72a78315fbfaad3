// SPDX-License-Identifier: Apache-2.0
// A run that a debugger holds: where it is asked, and what it may read and change.
#include "models/base/error.h"
#include "sim/engine/accounting.h"
#include "sim/engine/engine.h"

namespace etude {

// core.run(limit) of a hart that a debugger holds. A core that was told late may have several
// instructions to execute.
CoreWait Engine::run_held(unsigned hart, std::uint64_t limit) {
  class Holder final : public CoreHolder {
   public:
    Holder(Engine& engine, unsigned hart) : engine_(engine), hart_(hart) {}
    bool before(const Core& core) override {
      Debugger& debugger = *engine_.options_.debugger;
      if (!debugger.stops_before(hart_, core.pc())) {
        return true;
      }
      debugger.before(hart_, nullptr);
      return !engine_.take_changed(hart_);
    }
    bool after(const Core&) override {
      engine_.options_.debugger->after(hart_);
      return !engine_.take_changed(hart_);
    }

   private:
    Engine& engine_;
    unsigned hart_;
  };
  take_changed(hart);  // it begins anew with whatever was changed before
  Holder holder(*this, hart);
  return cores_[hart]->run_held(Cycle{limit}, holder);
}

// A hart's data access is granted. False if a debugger has changed what the hart does: it begins
// the instruction anew.
bool Engine::let_act(unsigned hart) {
  Slot& slot = slot_[hart];
  if (slot.wait != CoreWait::kData || slot.posted) {
    return true;
  }
  acting_ = hart;
  options_.debugger->before(hart, &cores_[hart]->access());
  acting_ = kMaxHarts;
  if (!take_changed(hart)) {
    return true;
  }
  slot.wait = CoreWait::kLimit;
  banked_ &= ~(1u << hart);
  agenda_.move(hart, now_ + 1);
  return false;
}

// An access of the hart has just been answered.
void Engine::tell_after(unsigned hart) {
  options_.debugger->after(hart);
  take_changed(hart);  // the core goes on from where it is
}

unsigned Engine::harts() const { return harts_; }
const Core& Engine::hart(unsigned hart) const { return platform_.core(hart); }
std::string Engine::hart_name(unsigned hart) const { return platform_.hart_names()[hart]; }
Cycle Engine::cycle() const { return Cycle{now_}; }

std::string Engine::state_text(unsigned hart) const {
  const Slot& slot = slot_[hart];
  const bool waits = slot.wait == CoreWait::kSleep || slot.wait == CoreWait::kFetch ||
                     slot.wait == CoreWait::kLine || slot.wait == CoreWait::kFpu ||
                     (slot.wait == CoreWait::kData && hart != acting_);
  return waits ? stall_name(reason_of_wait(hart)) : "";
}

std::optional<std::uint32_t> Engine::csr(unsigned hart, std::uint32_t number) const {
  return platform_.core(hart).csr(number, Cycle{now_});
}

std::optional<std::vector<std::uint8_t>> Engine::read(Address address, Bytes bytes) {
  try {
    return platform_.read_memory(address, bytes);
  } catch (const ProgramError&) {
    return std::nullopt;
  }
}

bool Engine::write(Address address, std::span<const std::uint8_t> bytes) {
  try {
    platform_.write_memory(address, bytes);
  } catch (const ProgramError&) {
    return false;
  }
  platform_.forget_code();
  return true;
}

// What a hart has asked for already, or is asleep for, goes on as it was asked.
bool Engine::may_begin_anew(unsigned hart) const {
  const Slot& slot = slot_[hart];
  return !cores_[hart]->halted() && !cores_[hart]->between_parts() &&
         (hart == acting_ || slot.wait == CoreWait::kLimit || slot.wait == CoreWait::kFetch ||
          slot.wait == CoreWait::kLine);
}

void Engine::note_changed(unsigned hart) {
  if (!may_begin_anew(hart)) {
    return;
  }
  cores_[hart]->begin_anew();
  changed_ |= 1u << hart;
  if (hart != acting_ && slot_[hart].wait != CoreWait::kLimit) {
    slot_[hart].wait = CoreWait::kLimit;
    agenda_.move(hart, now_ + 1);
  }
}

bool Engine::set_register(unsigned hart, unsigned n, std::uint32_t value) {
  cores_[hart]->state().r[n] = value;
  note_changed(hart);
  return true;
}

bool Engine::set_csr(unsigned hart, std::uint32_t number, std::uint32_t value) {
  if (!cores_[hart]->set_csr(number, value, Cycle{now_})) {
    return false;
  }
  note_changed(hart);
  return true;
}

bool Engine::set_pc(unsigned hart, std::uint32_t pc) {
  if ((pc & 1u) != 0 || !may_begin_anew(hart)) {
    return false;
  }
  note_changed(hart);
  cores_[hart]->go_to(pc, Cycle{now_});
  return true;
}

bool Engine::take_changed(unsigned hart) {
  const std::uint32_t bit = 1u << hart;
  const bool changed = (changed_ & bit) != 0;
  changed_ &= ~bit;
  return changed;
}

}  // namespace etude
