// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/event_unit/event_unit_regs.h"

/// Address decoder of the event unit's private ports, as the RTL cuts its ten address bits.
namespace etude::event_unit_decode {

constexpr unsigned kSwEvents = 8;

constexpr unsigned group_of(std::uint32_t offset) { return (offset >> 6) & 0xFu; }
constexpr unsigned barrier_register(std::uint32_t offset) { return (offset >> 2) & 0x7u; }
constexpr unsigned barrier_of(std::uint32_t offset) { return (offset >> 5) & 0xFu; }
constexpr bool in_barriers(std::uint32_t offset) { return (offset & 0x200u) != 0; }

/// Barrier registers that all cores share through one port; the trigger-self, trigger-wait and
/// trigger-wait-clear loads go through the core's own unit.
constexpr bool uses_barrier_port(std::uint32_t offset) {
  return in_barriers(offset) && barrier_register(offset) < 5u;
}

constexpr bool is_dispatch_pop(std::uint32_t offset) {
  return group_of(offset) == 2u && (offset & 0xCu) == 0;
}

constexpr bool is_wait(std::uint32_t offset) {
  if (in_barriers(offset)) {
    return barrier_register(offset) >= 6u;
  }
  const unsigned group = group_of(offset);
  return (offset & 0x338u) == 0x38u || group == 3u || group == 5u || group == 6u ||
         is_dispatch_pop(offset);
}

/// A load there waits at a barrier.
constexpr bool is_barrier_wait(std::uint32_t offset) {
  return in_barriers(offset) && barrier_register(offset) >= 6u;
}

constexpr bool clears(std::uint32_t offset) {
  if (in_barriers(offset)) {
    return barrier_register(offset) == 7u;
  }
  const unsigned group = group_of(offset);
  return (offset & 0x3FCu) == ETUDE_EU_EVENT_WAIT_CLEAR || group == 3u || group == 6u ||
         is_dispatch_pop(offset);
}

}  // namespace etude::event_unit_decode
