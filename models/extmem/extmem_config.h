// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Parameters of the HyperRAM behind the SoC DMA. Times are of the device; the model rounds up to
/// cycles.
struct HyperramConfig {
  Bytes size{64ull * 1024 * 1024};
  double bandwidth_mb_s = 333.0;  ///< S27KS0641, 166 MHz DDR x8
  double access_ns = 56.0;        ///< chip select to first data
  double recovery_ns = 36.0;      ///< between two bursts: 6 controller clocks at 166 MHz
  double burst_cap_ns = 3500.0;   ///< longest burst (refresh), hyperbus_pkg.sv
};

/// Parameters of the octal NOR flash behind the SoC DMA.
struct FlashConfig {
  Bytes size{64ull * 1024 * 1024};
  double read_mb_s = 200.0;
  double access_ns = 100.0;
  double page_program_us = 500.0;  ///< 256-byte page
  double sector_erase_ms = 100.0;  ///< 4 KiB sector
};

}  // namespace etude
