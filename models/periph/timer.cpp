// SPDX-License-Identifier: Apache-2.0
#include "models/periph/timer.h"

#include <algorithm>

#include "models/base/pulp_map_regs.h"

namespace etude {

Timer::Timer(const sc_core::sc_module_name& name) : sc_module(name) {}

void Timer::reset() {
  half_[0] = Half{};
  half_[1] = Half{};
}

// Cascaded, half 0 holds all 64 bits and half 1 stands still.
std::uint64_t Timer::value(unsigned half, std::uint64_t now) const {
  const Half& h = half_[half];
  const bool running = (h.config & kEnable) != 0 && now > h.since;
  const std::uint64_t v = running ? h.base + (now - h.since) : h.base;
  return cascaded() ? v : v & 0xFFFFFFFFu;
}

void Timer::set_value(unsigned half, std::uint64_t v, std::uint64_t now) {
  half_[half].base = v;
  half_[half].since = now;
}

std::uint32_t Timer::read(std::uint32_t offset, Cycle now) const {
  const unsigned half = (offset >> 2) & 1u;
  switch (offset & ~4u) {
    case ETUDE_TIMER_CFG_LO:
      return half_[half].config;
    case ETUDE_TIMER_CNT_LO:
      return cascaded() ? static_cast<std::uint32_t>(value(0, now.raw()) >> (half * 32))
                        : static_cast<std::uint32_t>(value(half, now.raw()));
    case ETUDE_TIMER_CMP_LO:
      return half_[half].compare;
    default:
      return 0;
  }
}

void Timer::write(std::uint32_t offset, std::uint32_t v, Cycle now) {
  const unsigned half = (offset >> 2) & 1u;
  const std::uint64_t next = now.raw() + 1;
  switch (offset & ~4u) {
    case ETUDE_TIMER_CFG_LO:
      set_value(half, (v & kReset) != 0 ? 0 : value(half, next), next);
      half_[half].config = v & ~kReset;
      break;
    case ETUDE_TIMER_CNT_LO: {
      std::uint64_t whole = v;
      if (cascaded()) {
        const std::uint64_t old = value(0, next);
        whole = half != 0 ? (old & 0xFFFFFFFFu) | (std::uint64_t{v} << 32)
                          : (old & ~std::uint64_t{0xFFFFFFFFu}) | v;
      }
      set_value(cascaded() ? 0 : half, whole, next);
      break;
    }
    case ETUDE_TIMER_CMP_LO:
      half_[half].compare = v;
      break;
    case ETUDE_TIMER_START_LO:
      set_value(half, value(half, next), next);
      half_[half].config |= kEnable;
      break;
    case ETUDE_TIMER_RESET_LO:
      set_value(half, 0, next);
      break;
    default:
      break;
  }
}

std::uint64_t Timer::match_cycle(unsigned half, std::uint64_t now) const {
  const Half& h = half_[half];
  const bool armed = (h.config & kEnable) != 0 && (h.config & kIrq) != 0;
  if (!armed || (half == 1 && cascaded())) {
    return kNever.raw();
  }
  const std::uint64_t target =
      cascaded() ? (std::uint64_t{half_[1].compare} << 32) | half_[0].compare : h.compare;
  const std::uint64_t current = value(half, now);
  std::uint64_t distance = target - current;
  if (!cascaded()) {
    distance &= 0xFFFFFFFFu;  // the counter wraps
  }
  return now + distance;
}

Cycle Timer::next_activity(Cycle now) const {
  return Cycle{std::min(match_cycle(0, now.raw()), match_cycle(1, now.raw()))};
}

unsigned Timer::take_events(Cycle now) {
  unsigned events = 0;
  for (unsigned half = 0; half < 2; ++half) {
    if (match_cycle(half, now.raw()) == now.raw()) {
      events |= 1u << half;
      if ((half_[half].config & kClear) != 0) {
        set_value(half, 0, now.raw() + 1);
      }
      if ((half_[half].config & kOneShot) != 0) {
        half_[half].config &= ~kEnable;
      }
    }
  }
  return events;
}

}  // namespace etude
