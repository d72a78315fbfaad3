// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sim/config/platform_config.h"

namespace etude {

/// What answers a data access of a core.
enum class Route : std::uint8_t {
  kTcdm,           ///< a bank of the shared memory, through the arbiter
  kTestAndSet,     ///< the same, returning the old word and leaving all ones
  kFlat,           ///< ideal memory: granted at once, data in the next cycle
  kMarker,         ///< marker words of the core bench
  kEventUnit,      ///< the core's private port of the event unit
  kDmaControl,     ///< the core's private port of the cluster DMA
  kPeripheral,     ///< cluster peripherals behind the peripheral interconnect
  kExternal,       ///< out of the cluster: L2
  kSocPeripheral,  ///< out of the cluster: SoC DMA, SoC control, console
  kSimPort,        ///< markers for the simulator
  kClint,          ///< core-local interruptor
  kUnmapped
};

/// Where an address leads: the route and the offset that the answering block understands.
struct Routed {
  Route route;
  std::uint32_t offset;
};

/// The data address map of a platform; `tcdm_bytes` and `l2_bytes` bound the two memories.
class AddressMap {
 public:
  explicit AddressMap(const PlatformConfig& config);
  /// What answers `address`. O(1); the shared memory is decided first, since most accesses go
  /// there.
  Routed route(std::uint32_t address) const {
    const std::uint32_t in_l1 = address - l1_base_;
    if (in_l1 < l1_bytes_) {
      return {l1_route_, in_l1};
    }
    return route_other(address);
  }

 private:
  Routed route_other(std::uint32_t address) const;
  Routed route_pulp(std::uint32_t address) const;

  MemoryMap map_;
  std::uint32_t l1_base_;
  std::uint32_t l1_bytes_;
  Route l1_route_;
  std::uint32_t l2_bytes_;
};

}  // namespace etude
