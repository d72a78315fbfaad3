// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"

namespace etude {

/// Parameters of the arbitration between the log branch (cores, DMA, ext) and the accelerator's
/// wide port.
struct HciConfig {
  enum class Priority { kCores, kAccelerator };
  enum class Arbiter { kStall, kWindow };  ///< kStall: hci 2a5a508; kWindow: v2.4.0 on
  Priority priority =
      Priority::kCores;  ///< the high side (reset value of the RTL: cores); accelerator = invert 1
  unsigned max_stall = 0;  ///< 0 = the low side may starve
  static constexpr Range kMaxStall{.max = 255};
  Arbiter arbiter = Arbiter::kStall;
  unsigned window = 0;  ///< kWindow only: "den", cycles of the window
  static constexpr Range kWindowLength{.max = 255};
};

}  // namespace etude
