// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the cluster DMA.
struct DmaConfig {
  enum class Engine { kMchan, kIdma };
  Engine engine = Engine::kMchan;
  Bytes burst{256};  ///< MCHAN: longest AXI burst
  static constexpr Range kBurst{.min = 16, .max = 2048, .power_of_two = true};
  unsigned outstanding = 8;  ///< MCHAN: bursts in flight per direction
  static constexpr Range kOutstanding{.min = 1, .max = 8};
  unsigned queue = 16;  ///< transfers queued; also the number of MCHAN transfer ids
  static constexpr Range kQueue{.min = 1, .max = 16};
};

}  // namespace etude
