// SPDX-License-Identifier: Apache-2.0
// How far a hart goes by itself, and what it waits for then.
#include <algorithm>
#include <bit>

#include "sim/engine/engine.h"

namespace etude {

// Where a core that may be reached by others may run to by itself, from now on: if it only waits
// for a line, to the first cycle in which that may come. Cycles before `from` are over.
std::uint64_t Engine::stay_limit(unsigned hart, std::uint64_t from) const {
  const Core& core = *cores_[hart];
  if (core.interrupts_possible() || core.needs_present()) {
    return now_ + 1;
  }
  const std::uint64_t comes = platform_.icache().earliest_answer(hart, Cycle{from}).raw();
  return std::min(run_ahead_horizon(), comes + 1);
}

// Lets a hart go on up to cycle `limit`; it asks for nothing before cycle `earliest`. Returns the
// cycle in which it acts next.
std::uint64_t Engine::resume(unsigned hart, std::uint64_t earliest, std::uint64_t limit) {
  Core& core = *cores_[hart];
  core.keep_books(Cycle{now_});
  CoreWait wait = run_core(hart, limit);
  // A core may learn only with an answer that it wanted a line in a cycle that is past: it asks as
  // soon as it can, which is the same cycle in both engines.
  while (wait == CoreWait::kFetch && std::max(core.fetch_when().raw(), earliest) <= now_) {
    post_fetch(hart);
    limit = std::min(limit, stay_limit(hart, now_));
    wait = run_core(hart, limit);
  }
  return ask(hart, wait, earliest, limit);
}

// The hart waits for `wait`. Returns the cycle in which it asks for it.
std::uint64_t Engine::ask(unsigned hart, CoreWait wait, std::uint64_t earliest,
                          std::uint64_t limit) {
  const Core& core = *cores_[hart];
  Slot& slot = slot_[hart];
  slot.wait = wait;
  slot.posted = false;
  if (wait == CoreWait::kData) [[likely]] {
    const DataAccess& access = core.access();
    const Routed routed = platform_.map().route(access.address);
    slot.route = routed.route;
    slot.offset = routed.offset;
    if (routed.route == Route::kTcdm) {
      banked_ |= 1u << hart;
      bank_[hart] = static_cast<std::uint8_t>(platform_.tcdm_bank(routed.offset));
    } else {
      banked_ &= ~(1u << hart);
    }
    const std::uint64_t asked = std::max(access.when.raw(), earliest);
    private_end_ = std::max(private_end_, asked);
    return routed.route == Route::kPeripheral ? asked + platform_.peripheral_latency() : asked;
  }
  banked_ &= ~(1u << hart);
  private_end_ = std::max(private_end_, core.next_cycle().raw());
  switch (wait) {
    case CoreWait::kLimit:
      // It came back early if it has become interruptible or reads the interrupt lines next.
      return std::max(now_ + 1, core.interrupts_possible() || core.needs_present()
                                    ? std::min(core.next_cycle().raw(), limit)
                                    : limit);
    case CoreWait::kFetch:
      return std::max(core.fetch_when().raw(), earliest);
    case CoreWait::kFpu:
      // Fetching runs ahead of execution: an instruction that waited for a line is told of it when
      // its own time is past, and asks as soon as it can.
      return std::max(core.fpu_when().raw(), earliest);
    case CoreWait::kHalt:
      return std::max(core.halted_when().raw(), earliest);
    default:
      return kNone;  // kLine: the cache wakes it; kSleep: an interrupt
  }
}

// Harts of the queue in front of the DMA that have left it: they ask in this cycle.
std::uint32_t Engine::leave_dma_queue() {
  std::uint32_t out = 0;
  for (std::uint32_t left = in_dma_queue_; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    out |= mchan_->blocked(h) ? 0 : 1u << h;
  }
  in_dma_queue_ &= ~out;
  return out;
}

bool Engine::dma_queue_moves() const {
  std::uint32_t left = in_dma_queue_;
  while (left != 0 && mchan_->blocked(static_cast<unsigned>(std::countr_zero(left)))) {
    left &= left - 1;
  }
  return left != 0;
}

// The DMA's control port comes first: what it takes in this cycle counts in this cycle. Returns
// those of `harts` that ask for something else.
std::uint32_t Engine::serve_dma_controls(std::uint32_t harts) {
  std::uint32_t other = harts;
  for (std::uint32_t left = harts; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    if (slot_[h].wait == CoreWait::kData && slot_[h].route == Route::kDmaControl) {
      serve_dma_control(h);
      other &= ~(1u << h);
    }
  }
  return other;
}

// What harts ask for in this cycle besides banks and the DMA.
void Engine::serve_others(std::uint32_t harts) {
  if (!private_fpu_) {
    harts = serve_fpus(harts);
  }
  for (; harts != 0; harts &= harts - 1) {
    serve_data(static_cast<unsigned>(std::countr_zero(harts)));
  }
}

// Hands the answer to the core. It goes on at the end of the cycle, when everything that this cycle
// changed (interrupt lines among it) is known.
void Engine::answer(unsigned hart, std::uint64_t granted, std::uint64_t responded,
                    std::uint32_t rdata, StallReason why) {
  cores_[hart]->complete(Cycle{granted}, Cycle{responded}, rdata, why);
  go_on(hart);
  if (options_.debugger != nullptr) [[unlikely]] {
    tell_after(hart);
  }
}

// The hart has what it waited for.
void Engine::go_on(unsigned hart) {
  slot_[hart].wait = CoreWait::kLimit;
  banked_ &= ~(1u << hart);
  answered_ |= 1u << hart;
}

}  // namespace etude
