// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Parameters of the L2 memory and of the bus in front of it.
struct L2Config {
  Bytes size{2 * 1024 * 1024};
  Cycle latency{
      10};  ///< address accepted to first beat of a burst, and last write beat to response
  Cycle core_latency{20};  ///< word access of a core, request to response (GVSoC, measured)
};

}  // namespace etude
