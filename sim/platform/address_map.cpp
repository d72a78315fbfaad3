// SPDX-License-Identifier: Apache-2.0
#include "sim/platform/address_map.h"

#include "models/base/pulp_map_regs.h"
#include "models/periph/clint.h"

namespace etude {
namespace {

constexpr std::uint32_t kHtifBase = 0x80000000u;
constexpr std::uint32_t kBenchDataBase = 0x10000000u;
constexpr std::uint32_t kBenchMarkers = 0x1000F000u;
constexpr std::uint32_t kBenchBytes = 64u * 1024;

constexpr bool within(std::uint32_t address, std::uint32_t base, std::uint32_t size) {
  return address - base < size;
}

}  // namespace

AddressMap::AddressMap(const PlatformConfig& config)
    : map_(config.map), l2_bytes_(static_cast<std::uint32_t>(config.l2.size.raw())) {
  switch (map_) {
    case MemoryMap::kPulp:
      l1_base_ = ETUDE_L1_BASE;
      l1_bytes_ = static_cast<std::uint32_t>(config.cluster.tcdm.size.raw());
      l1_route_ = Route::kTcdm;
      break;
    case MemoryMap::kHtif:
      l1_base_ = kHtifBase;
      l1_bytes_ = l2_bytes_;
      l1_route_ = Route::kFlat;
      break;
    case MemoryMap::kCoreBench:
      l1_base_ = kBenchDataBase;
      l1_bytes_ = kBenchMarkers - kBenchDataBase;
      l1_route_ = Route::kFlat;
      break;
  }
}

Routed AddressMap::route_other(std::uint32_t address) const {
  switch (map_) {
    case MemoryMap::kPulp:
      return route_pulp(address);
    case MemoryMap::kHtif:
      if (within(address, Clint::kBase, Clint::kSize)) {
        return {Route::kClint, address - Clint::kBase};
      }
      break;
    case MemoryMap::kCoreBench:
      if (within(address, kBenchMarkers, kBenchDataBase + kBenchBytes - kBenchMarkers)) {
        return {Route::kMarker, address - kBenchMarkers};
      }
      if (within(address, 0, kBenchBytes)) {
        return {Route::kFlat, address};
      }
      break;
  }
  return {Route::kUnmapped, 0};
}

Routed AddressMap::route_pulp(std::uint32_t address) const {
  if (within(address, ETUDE_L2_BASE, l2_bytes_)) {
    return {Route::kExternal, address - ETUDE_L2_BASE};
  }
  // Cores reach their own cluster at its base and, without the leading bits, at the alias.
  const std::uint32_t local = address < ETUDE_L1_BASE ? address + ETUDE_L1_BASE : address;
  if (within(local, ETUDE_L1_BASE, l1_bytes_)) {
    return {Route::kTcdm, local - ETUDE_L1_BASE};
  }
  if (within(local, ETUDE_L1_BASE + ETUDE_L1_TEST_AND_SET, l1_bytes_)) {
    return {Route::kTestAndSet, local - ETUDE_L1_BASE - ETUDE_L1_TEST_AND_SET};
  }
  if (within(local, ETUDE_EU_DEMUX_BASE, 0x400)) {
    return {Route::kEventUnit, local - ETUDE_EU_DEMUX_BASE};
  }
  if (within(local, ETUDE_DMA_DEMUX_BASE, 0x400)) {
    return {Route::kDmaControl, local - ETUDE_DMA_DEMUX_BASE};
  }
  if (within(local, ETUDE_CLUSTER_PERIPH_BASE, 0x4000)) {
    return {Route::kPeripheral, local - ETUDE_CLUSTER_PERIPH_BASE};
  }
  if (within(address, ETUDE_SIM_PORT_BASE, 0x100)) {
    return {Route::kSimPort, address - ETUDE_SIM_PORT_BASE};
  }
  if (within(address, ETUDE_SOC_PERIPH_BASE, 0x10000)) {
    return {Route::kSocPeripheral, address - ETUDE_SOC_PERIPH_BASE};
  }
  return {Route::kUnmapped, 0};
}

}  // namespace etude
