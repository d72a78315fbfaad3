// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the L2 memory and of the bus in front of it.
struct L2Config {
  Bytes size{2 * 1024 * 1024};
  static constexpr Range kSize{.min = 128 * 1024, .max = 256 * 1024 * 1024};
  Cycle latency{
      10};  ///< address accepted to first beat of a burst, and last write beat to response
  Cycle core_latency{20};  ///< word access of a core, request to response (GVSoC, measured)
  static constexpr Range kLatency{.min = 1, .max = 1000};  ///< of both
};

}  // namespace etude
