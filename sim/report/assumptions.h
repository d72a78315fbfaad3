// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "sim/config/platform_config.h"

namespace etude {

/// What the totals of a result stand on without a measurement behind it: an array, largest share
/// first, of {name, total, share, notable, text, vary}. `total` is "energy_j", "area_mm2" or
/// "cycles"; `share` is the part of that total (0..1) which the assumed number makes: exact for
/// energy and area, for cycles
/// the time in which its unit works or waits (more than it can move where that is hidden under
/// other work). `notable`: more than 5 %. `text` says what is assumed, `vary` how to see its
/// influence. Names of timing are those of docs/validation.md, names of energy and area those of
/// the table. Reads /step, /units, /counters, /energy_bill and /area_bill of the result.
nlohmann::ordered_json assumptions_of(const nlohmann::ordered_json& result,
                                      const PlatformConfig& platform);

}  // namespace etude
