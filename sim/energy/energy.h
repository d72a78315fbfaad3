// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "sim/config/energy_config.h"
#include "sim/config/platform_config.h"
#include "sim/engine/run_record.h"

namespace etude {

/// What happened in a stretch of simulated time: all that its energy is computed from.
struct Activity {
  Cycle cycles;
  CounterSnapshot counters;                          ///< "component.counter"
  std::map<std::string, std::uint64_t> core_stalls;  ///< reason -> cycles, all harts together
};

/// The activity of a whole step.
Activity activity_of(const StepRecord& step);
/// The activity of one layer of a step; `cycles` is the layer's share of the step.
Activity activity_of_layer(const StepRecord& step, std::size_t layer, Cycle cycles);

/// One line of a bill: so many events at such a price.
struct EnergyTerm {
  std::string component;    ///< cores, tcdm, redmule, dma, l2, extmem, flash, leakage
  std::string coefficient;  ///< as in the table's file: "cores/instruction"
  double count = 0;         ///< events; seconds for leakage
  Picojoules each;          ///< per event, at the run's supply; per second for leakage
  double joules = 0;
  double joules_low = 0, joules_high = 0;  ///< at the ends of the coefficient's range
  Coefficient::Status status = Coefficient::Status::kAssumed;
  std::string source;
};

/// The energy of an activity.
struct EnergyBill {
  std::vector<EnergyTerm> terms;            ///< zero terms included
  std::map<std::string, double> component;  ///< J; "leakage" holds the background too
  double total = 0;                         ///< J: sum of all components
  double dynamic = 0;     ///< J: total without leakage and background (what layers carry)
  double leakage = 0;     ///< J: leakage alone
  double background = 0;  ///< J: clock tree and idle logic, every cycle
  /// J: total with every coefficient at the low, and at the high end of its range.
  double total_low = 0, total_high = 0;
};

/// Components in the order in which they are shown.
const std::vector<std::string>& energy_components();

/// Prices an activity: counters x what an event costs on this platform, scaled to the run's supply,
/// plus leakage x time. On-chip dynamic energy scales with the square of the supply, leakage with
/// its cube (assumed); external memories have supplies of their own.
EnergyBill price(const Activity& activity, const PlatformConfig& platform,
                 const EnergyConfig& table);

/// Leakage of the whole chip at the run's supply, in watts: SRAM by its size, array and
/// interconnect by their area, cores by their number, and the rest of the cluster.
double leakage_watts(const PlatformConfig& platform, const EnergyConfig& table);

}  // namespace etude
