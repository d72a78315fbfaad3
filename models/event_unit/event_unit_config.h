// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Parameters of the event unit. Defaults: event_unit_flex as pulp_cluster instantiates it.
struct EventUnitConfig {
  unsigned cores = 8;           ///< demux ports, 1..16 (workers and controller)
  unsigned barriers = 8;        ///< 1..16
  unsigned dispatch_depth = 8;  ///< entries of the dispatch FIFO, power of two
  Cycle busy{2};  ///< a core that waits stays busy until `busy` cycles after its request; its clock
                  ///< stops one cycle later (cv32e40p: 2, measured)
};

}  // namespace etude
