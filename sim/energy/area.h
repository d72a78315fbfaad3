// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/config/energy_config.h"
#include "sim/config/platform_config.h"

namespace etude {

/// One line of an area bill: so many of a coefficient's units.
struct AreaTerm {
  std::string part;         ///< of area_parts(), or l2
  std::string coefficient;  ///< as in the table's file: "area/core"
  double count = 0;         ///< of the coefficient's unit: cores, bits, bytes, cells
  double mm2 = 0;
  Coefficient::Status status = Coefficient::Status::kAssumed;
  std::string source;
};

/// The area of a cluster and of L2, in mm2.
struct AreaBill {
  std::vector<AreaTerm> terms;         ///< without those that are zero
  std::map<std::string, double> part;  ///< mm2 of each of area_parts() and of l2
  /// Of each part: the least certain status of the terms that make a tenth of it or more.
  std::map<std::string, Coefficient::Status> mark;
  double cluster = 0;  ///< sum of area_parts()
  double total = 0;    ///< cluster and L2
};

/// The parts of a cluster, in the order in which they are shown: cores (without FPUs and caches),
/// fpus, tcdm (macros), interconnect (crossbar and the array's port), redmule, dma, icache (private
/// and shared), other (event unit, buses).
const std::vector<std::string>& area_parts();

/// Area by counts of gates and SRAM cells: sum of count x coefficient (docs/energy.md). Not in it:
/// pads, PLL, HyperBus PHY, peripherals of the SoC, congestion of the routing.
AreaBill area_of(const PlatformConfig& platform, const EnergyConfig& table);

/// Bits that the buffers of an array store: X (twice, and the operands in flight), W, Z, and FIFOs
/// of 14 lines of the port.
std::uint64_t stored_bits(const RedmuleConfig& redmule);

}  // namespace etude
