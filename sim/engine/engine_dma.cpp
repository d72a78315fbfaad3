// SPDX-License-Identifier: Apache-2.0
// The cluster DMA by itself: cycles in which nobody else acts need no loop around them.
#include <algorithm>

#include "sim/engine/engine.h"

namespace etude {
namespace {

/// The memory as the only one who speaks to it finds it.
class LoneMemory : public Platform::UnitMemory {
 public:
  LoneMemory(Platform& platform, unsigned first_port)
      : UnitMemory(platform), platform_(platform), hci_(platform.hci()), first_port_(first_port) {}
  void grant(unsigned port, std::uint32_t address) const {
    hci_.serve_alone(first_port_ + port, platform_.tcdm_bank(address));
  }

 private:
  Platform& platform_;
  Hci& hci_;
  unsigned first_port_;
};

}  // namespace

// The DMA acts in the next cycle. If nobody else does until after it, it may take many cycles at
// once, up to the end of a transfer, which others see. `next` is the next cycle of a core.
void Engine::advance_dma(std::uint64_t next) {
  if (in_dma_queue_ != 0 || mchan_ == nullptr || !mchan_->alone() || !hci_->at_rest() ||
      hci_->shape().banks == 1) {
    return;
  }
  for (unsigned unit = 0; unit < Platform::kUnits; ++unit) {
    next = unit == Platform::kDma ? next : std::min(next, due_[unit]);
  }
  // What it asks of the memory outside is told to SystemC at the time that this has reached.
  next = std::min({next, options_.max_cycles.raw(), systemc_now_ + kQuantum});
  if (next > now_ + 2) {
    const std::uint64_t taken =
        mchan_->advance_alone(Cycle{now_ + 1}, next - now_ - 1, LoneMemory(platform_, dma_port_));
    stepped_ += taken;
    now_ += taken;
    last_arbitrated_ = now_ + 1;
    refresh(Platform::kDma);
    find_units_next();
  }
}

}  // namespace etude
