// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <systemc>

#include "models/base/types.h"

namespace etude {

/// Cluster cycles, SystemC time and device times, converted in one place. Simulated time is kept in
/// whole picoseconds per cycle; times of devices (ns) are rounded up to cycles of the exact
/// frequency.
class ClusterClock {
 public:
  explicit ClusterClock(double hertz)
      : hertz_(hertz),
        period_(
            sc_core::sc_time::from_value(static_cast<std::uint64_t>(std::llround(1e12 / hertz)) *
                                         sc_core::sc_time(1, sc_core::SC_PS).value())) {}

  double hertz() const { return hertz_; }
  sc_core::sc_time period() const { return period_; }
  /// Start of cycle `cycle`.
  sc_core::sc_time time_of(Cycle cycle) const {
    return sc_core::sc_time::from_value(cycle.raw() * period_.value());
  }
  /// The cycle that starts at time `time`.
  Cycle cycle_of(const sc_core::sc_time& time) const {
    return Cycle{time.value() / period_.value()};
  }
  /// Annotation that moves a transaction from the present to cycle `cycle`. Throws when it is past.
  sc_core::sc_time delay_to(Cycle cycle) const {
    const sc_core::sc_time start = time_of(cycle);
    if (start < sc_core::sc_time_stamp()) {
      throw std::logic_error("transaction annotated into the past");
    }
    return start - sc_core::sc_time_stamp();
  }
  /// Cycle of the present plus an annotation.
  Cycle after(const sc_core::sc_time& delay) const {
    return cycle_of(sc_core::sc_time_stamp() + delay);
  }
  /// `nanoseconds` in cycles, rounded up (a billionth of a cycle above a whole number is rounding
  /// noise, not time).
  std::uint64_t cycles(double nanoseconds) const {
    return static_cast<std::uint64_t>(std::ceil(nanoseconds * 1e-9 * hertz_ - 1e-9));
  }

 private:
  double hertz_;
  sc_core::sc_time period_;
};

}  // namespace etude
