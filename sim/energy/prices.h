// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/config/energy_config.h"
#include "sim/config/platform_config.h"
#include "sim/energy/events.h"

namespace etude {

/// What one event costs on `platform`, pJ with its range, at the table's supply: the coefficient of
/// the table, or for an access of the TCDM that of a macro as large as a bank, for a multiply-add
/// of the array that of its pipeline registers, for its busy cycle that of the bits it stores. Of a
/// bank beyond the sizes of the table it is extrapolated, and assumed.
Coefficient price_of(const EventPrice& event, const PlatformConfig& platform,
                     const EnergyConfig& table);

}  // namespace etude
