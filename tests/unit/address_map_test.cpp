// SPDX-License-Identifier: Apache-2.0
// The addresses are written out as numbers, from the memory maps of PULP, of the RISC-V ISA tests
// and of the core bench, so that the header's constants are checked too.
#include "sim/platform/address_map.h"

#include <catch2/catch.hpp>
#include <string>

using namespace etude;
using namespace etude::literals;

namespace {

PlatformConfig platform_of(MemoryMap map) {
  PlatformConfig platform;
  platform.map = map;
  platform.cluster.tcdm.size = 256_KiB;
  platform.l2.size = Bytes{2 * 1024 * 1024};
  return platform;
}

struct Expected {
  std::uint32_t address;
  Route route;
  std::uint32_t offset;
};

void check(const AddressMap& map, const std::vector<Expected>& expected) {
  for (const Expected& e : expected) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", e.address);
    INFO(text);
    const Routed routed = map.route(e.address);
    CHECK(routed.route == e.route);
    CHECK(routed.offset == e.offset);
  }
}

}  // namespace

TEST_CASE("pulp: L1 at its base and at the alias, exactly as long as it is", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kPulp));
  // 256 KiB = 0x40000
  check(map, {{0x10000000, Route::kTcdm, 0},
              {0x10000001, Route::kTcdm, 1},
              {0x1003FFFF, Route::kTcdm, 0x3FFFF},
              {0x10040000, Route::kUnmapped, 0},
              {0x0FFFFFFF, Route::kUnmapped, 0},
              {0x00000000, Route::kTcdm, 0},
              {0x0003FFFC, Route::kTcdm, 0x3FFFC},
              {0x00040000, Route::kUnmapped, 0}});
}

TEST_CASE("pulp: bit 20 of an L1 address is test-and-set", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kPulp));
  check(map, {{0x10100000, Route::kTestAndSet, 0},
              {0x1013FFFC, Route::kTestAndSet, 0x3FFFC},
              {0x10140000, Route::kUnmapped, 0},
              {0x100FFFFF, Route::kUnmapped, 0},
              {0x00100010, Route::kTestAndSet, 0x10}});
}

TEST_CASE("pulp: the largest L1 fills the space below test-and-set", "[address_map]") {
  PlatformConfig platform = platform_of(MemoryMap::kPulp);
  platform.cluster.tcdm.size = 1024_KiB;  // 0x100000
  const AddressMap map(platform);
  check(map, {{0x100FFFFF, Route::kTcdm, 0xFFFFF},
              {0x10100000, Route::kTestAndSet, 0},
              {0x101FFFFF, Route::kTestAndSet, 0xFFFFF},
              {0x10200000, Route::kPeripheral, 0}});
}

TEST_CASE("pulp: peripherals and the two private ports, at their base and at the alias",
          "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kPulp));
  check(map, {{0x10200000, Route::kPeripheral, 0},       // cluster control
              {0x10200400, Route::kPeripheral, 0x400},   // timer
              {0x10200800, Route::kPeripheral, 0x800},   // event unit, the way of all
              {0x10201000, Route::kPeripheral, 0x1000},  // RedMulE
              {0x10201400, Route::kPeripheral, 0x1400},  // instruction cache
              {0x10203FFF, Route::kPeripheral, 0x3FFF},
              {0x10204000, Route::kEventUnit, 0},
              {0x102043FC, Route::kEventUnit, 0x3FC},
              {0x10204400, Route::kDmaControl, 0},
              {0x102047FF, Route::kDmaControl, 0x3FF},
              {0x10204800, Route::kUnmapped, 0},
              {0x101FFFFF, Route::kUnmapped, 0},
              {0x00201000, Route::kPeripheral, 0x1000},
              {0x00204004, Route::kEventUnit, 4},
              {0x00204408, Route::kDmaControl, 8}});
}

TEST_CASE("pulp: L2, the peripherals of the SoC and the port of the simulator", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kPulp));
  // 2 MiB = 0x200000
  check(map, {{0x1C000000, Route::kExternal, 0},
              {0x1C1FFFFF, Route::kExternal, 0x1FFFFF},
              {0x1C200000, Route::kUnmapped, 0},
              {0x1BFFFFFF, Route::kUnmapped, 0},
              {0x1A100000, Route::kSocPeripheral, 0},
              {0x1A102014, Route::kSocPeripheral, 0x2014},  // SoC DMA, START
              {0x1A1040A0, Route::kSocPeripheral, 0x40A0},  // end of the run
              {0x1A10FFFF, Route::kSocPeripheral, 0xFFFF},
              {0x1A0FFFFF, Route::kUnmapped, 0},
              {0x1A110000, Route::kSimPort, 0},
              {0x1A1100FC, Route::kSimPort, 0xFC},
              {0x1A110100, Route::kUnmapped, 0}});
}

TEST_CASE("pulp: cores reach neither HyperRAM nor flash", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kPulp));
  check(map, {{0x80000000, Route::kUnmapped, 0},
              {0x90000000, Route::kUnmapped, 0},
              {0xFFFFFFFF, Route::kUnmapped, 0}});
}

TEST_CASE("pulp: L2 ends where the configuration says", "[address_map]") {
  PlatformConfig platform = platform_of(MemoryMap::kPulp);
  platform.l2.size = 128_KiB;
  check(AddressMap(platform),
        {{0x1C01FFFF, Route::kExternal, 0x1FFFF}, {0x1C020000, Route::kUnmapped, 0}});
  platform.l2.size = Bytes{256 * 1024 * 1024};
  check(AddressMap(platform),
        {{0x2BFFFFFF, Route::kExternal, 0xFFFFFFF}, {0x2C000000, Route::kUnmapped, 0}});
}

TEST_CASE("htif: memory from 0x80000000 and the interruptor, nothing of PULP", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kHtif));
  check(map, {{0x80000000, Route::kFlat, 0},
              {0x801FFFFF, Route::kFlat, 0x1FFFFF},
              {0x80200000, Route::kUnmapped, 0},
              {0x7FFFFFFF, Route::kUnmapped, 0},
              {0x02000000, Route::kClint, 0},
              {0x02004000, Route::kClint, 0x4000},  // mtimecmp
              {0x0200FFFF, Route::kClint, 0xFFFF},
              {0x02010000, Route::kUnmapped, 0},
              {0x10000000, Route::kUnmapped, 0},
              {0x1C000000, Route::kUnmapped, 0}});
}

TEST_CASE("core bench: two memories of 64 KiB, markers in the last 4 KiB", "[address_map]") {
  const AddressMap map(platform_of(MemoryMap::kCoreBench));
  check(map, {{0x10000000, Route::kFlat, 0},
              {0x1000EFFF, Route::kFlat, 0xEFFF},
              {0x1000F000, Route::kMarker, 0},
              {0x1000FFFC, Route::kMarker, 0xFFC},
              {0x10010000, Route::kUnmapped, 0},
              // what lies in the instruction memory keeps its address
              {0x00000000, Route::kFlat, 0},
              {0x0000FFFF, Route::kFlat, 0xFFFF},
              {0x00010000, Route::kUnmapped, 0},
              {0x80000000, Route::kUnmapped, 0}});
}
