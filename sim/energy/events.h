// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/redmule/redmule_config.h"
#include "sim/config/energy_config.h"
#include "sim/config/platform_config.h"
#include "sim/engine/run_record.h"

namespace etude {

struct Activity;

/// Which counters of the models one coefficient is multiplied with.
struct EventPrice {
  const char* component;
  const char* name;  ///< of the coefficient, as in the table's file ("tcdm/access" is of all sizes)
  Coefficient EnergyConfig::* coefficient;  ///< what it costs on a platform: sim/energy/prices.h
  /// "class.counter", summed over all components of the class ("core" is every hart);
  /// "stall.sleep" and "stall.awake" are cycles of harts.
  std::vector<std::string> events;
  /// Counts only on an array of this format.
  std::optional<RedmuleConfig::Format> format{};
};

/// Every dynamic coefficient but the background.
const std::vector<EventPrice>& event_prices();

// Events of the traffic between memories, in bytes, and beats of RedMulE's port.
const std::vector<std::string>& l2_l1_read();   ///< L2 to L1
const std::vector<std::string>& l2_l1_write();  ///< L1 to L2
const std::vector<std::string>& l3_l2_read();   ///< HyperRAM or flash to L2
const std::vector<std::string>& l3_l2_write();
const std::vector<std::string>& redmule_beats();
const std::vector<std::string>& external_busy();  ///< cycles of HyperRAM and of flash

/// Every counter that any of these lists reads and that `platform` has: those of an array only if
/// it has one, of packed FP16 only if its cores have xfvec.
std::vector<std::string> counted_events(const PlatformConfig& platform);
/// Throws UserError naming the first of `counted_events(platform)` that is not among `counters`
/// (all of a run's, zeros included): what is not counted must not be priced as nothing.
void check_events(const CounterSnapshot& counters, const PlatformConfig& platform);

/// True if the counter ("core3.alu") is one of such events ("core.alu").
bool is_event(const std::string& counter, const std::string& event);

/// The number of such events in an activity.
double count_events(const Activity& activity, const std::string& event);

}  // namespace etude
