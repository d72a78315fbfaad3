// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the HyperRAM behind the SoC DMA. Times are of the device; the model rounds up to
/// cycles.
struct HyperramConfig {
  Bytes size{64ull * 1024 * 1024};
  static constexpr Range kSize{.min = 1024, .max = 256 * 1024 * 1024};
  double bandwidth_mb_s = 333.0;  ///< S27KS0641, 166 MHz DDR x8
  static constexpr Range kBandwidth{.min = 0.01, .max = 100000};
  double access_ns = 56.0;  ///< chip select to first data
  static constexpr Range kAccess{.max = 100000};
  double recovery_ns = 36.0;  ///< between two bursts: 6 controller clocks at 166 MHz
  static constexpr Range kRecovery{.max = 1e6};
  double burst_cap_ns = 3500.0;  ///< longest burst (refresh), hyperbus_pkg.sv
  static constexpr Range kBurstCap{.min = 10, .max = 1e6};

  /// Bytes that fit between the first data and the end of the longest burst; kLeastBurst at least.
  double burst_bytes() const { return (burst_cap_ns - access_ns) * bandwidth_mb_s / 1000.0; }
  static constexpr double kLeastBurst = 2;  ///< one word of the bus
};

/// Parameters of the octal NOR flash behind the SoC DMA.
struct FlashConfig {
  static constexpr unsigned kPageBytes = 256;
  static constexpr unsigned kSectorBytes = 4096;
  Bytes size{64ull * 1024 * 1024};  ///< whole sectors
  static constexpr Range kSize{.min = kSectorBytes, .max = 256 * 1024 * 1024};
  double read_mb_s = 400.0;  ///< IS25WX256: octal, both edges at 200 MHz
  static constexpr Range kRead{.min = 0.01, .max = 100000};
  double access_ns = 115.0;                  ///< command, address and 20 dummy clocks at 200 MHz
  double page_program_us = 150.0;            ///< 256-byte page; IS25WX256, typical
  double sector_erase_ms = 80.0;             ///< one sector; the same
  static constexpr Range kTime{.max = 1e6};  ///< of these three, each in its own unit
  std::uint32_t endurance = 100'000;         ///< erase cycles that a sector is rated for
  static constexpr Range kEndurance{.min = 1, .max = 4e9};
};

}  // namespace etude
