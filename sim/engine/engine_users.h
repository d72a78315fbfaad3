// SPDX-License-Identifier: Apache-2.0
// What DMA and RedMulE do with the shared memory in a cycle, compiled into the engine's loops;
// included by engine.cpp alone.
#pragma once

#include <bit>

#include "sim/engine/engine.h"

namespace etude {

// What DMA and RedMulE ask for in this cycle; RedMulE's request, if it acts.
[[gnu::always_inline]] inline const WideRequest* Engine::ask_users() {
  dma_stepped_ = due(Platform::kDma);
  if (dma_stepped_) {
    ask_dma();
  }
  requests_.wide = false;
  redmule_may_be_done_ = due(Platform::kRedmule);
  if (!redmule_may_be_done_) {
    return nullptr;
  }
  const WideRequest& wide = redmule_->request_lightly(Cycle{now_});
  requests_.wide = wide.valid;
  if (wide.valid) {
    requests_.wide_write = wide.write;
    requests_.wide_bank = static_cast<std::uint8_t>(platform_.tcdm_bank(wide.address));
  }
  return &wide;
}

[[gnu::always_inline]] inline void Engine::commit_users(const WideRequest* wide,
                                                        const HciGrants& grants) {
  if (dma_stepped_) {
    commit_dma(grants.mask >> dma_port_);
  }
  if (wide != nullptr) {
    if (options_.watch != nullptr && grants.wide && wide->write && redmule_->stores_late()) {
      options_.watch->stored_late(*wide, Cycle{now_});
    }
    platform_.commit_redmule(Cycle{now_}, *wide, grants);
    due_[Platform::kRedmule] = redmule_->next_activity().raw();
  }
}

// The words that the DMA wants in this cycle; those that were refused before are up already.
inline void Engine::ask_dma() {
  const std::uint32_t up = hci_->raised() >> dma_port_;
  if (mchan_ != nullptr) [[likely]] {
    std::uint32_t left = mchan_->ask() & ~up;
    if (left == 0) {
      return;
    }
    for (; left != 0; left &= left - 1) {
      const auto p = static_cast<unsigned>(std::countr_zero(left));
      hci_->raise(dma_port_ + p, tcdm_->bank_of(mchan_->wanted(p)));
    }
    return;
  }
  for (std::uint32_t left = dma_->requests(Cycle{now_}, dma_requests_) & ~up; left != 0;
       left &= left - 1) {
    const auto p = static_cast<unsigned>(std::countr_zero(left));
    hci_->raise(dma_port_ + p, platform_.tcdm_bank(dma_requests_[p].address));
  }
}

[[gnu::always_inline]] inline void Engine::commit_dma(std::uint32_t granted) {
  if (mchan_ != nullptr) [[likely]] {
    mchan_->commit_words(Cycle{now_}, granted, Platform::UnitMemory(platform_));
  } else {
    platform_.commit_dma(Cycle{now_}, dma_requests_, granted);
  }
  due_[Platform::kDma] = dma_->next_activity().raw();
}

// The requests of this cycle; those in which there were none have passed before.
inline HciGrants Engine::arbitrate() {
  if (now_ > last_arbitrated_) {
    hci_->idle_cycles(now_ - last_arbitrated_);
  }
  last_arbitrated_ = now_ + 1;
  return hci_->arbitrate_raised(requests_);
}

}  // namespace etude
