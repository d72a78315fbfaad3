// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude {

/// Parameters of the arbitration between the log branch (cores, DMA, ext) and the accelerator's
/// wide port.
struct HciConfig {
  enum class Priority { kCores, kAccelerator };
  enum class Arbiter { kStall, kWindow };  ///< kStall: hci 2a5a508; kWindow: v2.4.0 on
  Priority priority =
      Priority::kCores;  ///< the high side (reset value of the RTL: cores); accelerator = invert 1
  unsigned max_stall = 0;  ///< 0..255; 0 = the low side may starve
  Arbiter arbiter = Arbiter::kStall;
  unsigned window = 0;  ///< kWindow only: "den", cycles of the window
};

}  // namespace etude
