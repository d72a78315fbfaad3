// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Parameters of the cluster DMA.
struct DmaConfig {
  enum class Engine { kMchan, kIdma };
  Engine engine = Engine::kMchan;
  Bytes burst{256};          ///< MCHAN: longest AXI burst
  unsigned outstanding = 8;  ///< MCHAN: bursts in flight per direction
  unsigned queue = 16;       ///< transfers queued; also the number of MCHAN transfer ids
};

}  // namespace etude
