// SPDX-License-Identifier: Apache-2.0
// How a run ends, and what must hold then.
#include <stdexcept>
#include <utility>

#include "models/base/error.h"
#include "sim/engine/engine.h"

namespace etude {

// When the run ends, every core is brought to where it would wait for something, so that it has
// booked all that it does until now, whoever drove it. What lies behind the end is taken back.
void Engine::finish_cores() {
  if (std::exchange(closed_, true)) {
    return;
  }
  for (unsigned h = 0; h < harts_; ++h) {
    if (slot_[h].wait == CoreWait::kLimit) {
      slot_[h].wait = cores_[h]->run(Cycle{now_ + kRunAhead});
    }
    cores_[h]->close_books(Cycle{now_});
  }
}

// Every cycle of every core is busy or has one reason: nothing may be lost or counted twice.
void Engine::check_books() const {
  for (unsigned h = 0; h < harts_; ++h) {
    const Core& core = platform_.core(h);
    std::uint64_t booked = core.busy_cycles();
    for (unsigned r = 0; r < kStallReasons; ++r) {
      booked += core.stall_cycles(static_cast<StallReason>(r));
    }
    if (booked != core.next_cycle().raw() || booked > now_) {
      throw std::logic_error("core " + std::to_string(h) + " booked " + std::to_string(booked) +
                             " cycles of " + std::to_string(core.next_cycle().raw()) +
                             " in a run of " + std::to_string(now_));
    }
  }
}

// Nothing more happens, or not before the limit of the run.
void Engine::stop(std::uint64_t next) {
  if (next == kNone) {
    fail_asleep();
  }
  now_ = options_.max_cycles.raw();
  if (options_.watch != nullptr) {
    options_.watch->cut_off(Cycle{now_});
  }
  const std::string what =
      "no end within " + std::to_string(options_.max_cycles.raw()) + " cycles: ";
  if (options_.debugger != nullptr) {
    options_.debugger->failed(what + where(0));  // as it stands, before anything is taken back
  }
  finish_cores();
  throw ProgramError(what + where(0));
}

void Engine::sync_systemc() {
  if (now_ > systemc_now_) {
    wait(platform_.period() * static_cast<double>(now_ - systemc_now_));
    systemc_now_ = now_;
  }
}

void Engine::end(int status) {
  record_.exit_status = status;
  ended_ = true;
}

}  // namespace etude
