// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>

#include "models/base/types.h"

namespace etude {

/// The cluster timer: two 32-bit counters (LO, HI), or one of 64 bits when cascaded.
/// Registers and bits: models/base/pulp_map_regs.h (pulp-runtime timer_v2). A counter is kept as a
/// starting point and a start cycle, so that running costs nothing between accesses.
class Timer : public sc_core::sc_module {
 public:
  explicit Timer(const sc_core::sc_module_name& name);
  void reset();
  /// Value of the register at `offset` in cycle `now`.
  std::uint32_t read(std::uint32_t offset, Cycle now) const;
  /// Writes the register at `offset` in cycle `now`; a written counter has its value in the next
  /// cycle.
  void write(std::uint32_t offset, std::uint32_t value, Cycle now);
  /// The next cycle in which a compare match raises an event line, kNever if none will.
  Cycle next_activity(Cycle now) const;
  /// Bit 0: LO matches in cycle `now` (event 10), bit 1: HI (event 11); a match with the
  /// clear-on-compare bit set restarts the counter.
  unsigned take_events(Cycle now);

 private:
  struct Half {
    std::uint32_t config{0};
    std::uint32_t compare{0};
    std::uint64_t base{0};  ///< value in cycle `since`
    std::uint64_t since{0};
  };
  static constexpr std::uint32_t kEnable = 1u, kReset = 2u, kIrq = 4u, kClear = 16u, kOneShot = 32u;
  static constexpr std::uint32_t kCascade = 1u << 31;

  bool cascaded() const { return (half_[0].config & kCascade) != 0; }
  std::uint64_t value(unsigned half, std::uint64_t now) const;
  void set_value(unsigned half, std::uint64_t value, std::uint64_t now);
  std::uint64_t match_cycle(unsigned half, std::uint64_t now) const;

  Half half_[2];
};

}  // namespace etude
