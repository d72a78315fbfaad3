// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the event unit. Defaults: event_unit_flex as pulp_cluster instantiates it.
struct EventUnitConfig {
  unsigned cores = 8;  ///< demux ports (workers and controller)
  static constexpr Range kCores{.min = 1, .max = 16};
  unsigned barriers = 8;
  static constexpr Range kBarriers{.min = 1, .max = 16};
  unsigned dispatch_depth = 8;  ///< entries of the dispatch FIFO
  static constexpr Range kDispatchDepth{.min = 1, .max = 4096, .power_of_two = true};
  Cycle busy{2};  ///< a core that waits stays busy until `busy` cycles after its request; its clock
                  ///< stops one cycle later (cv32e40p: 2, measured)
};

}  // namespace etude
