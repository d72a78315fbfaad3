// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// How the simulation is run, resolved: /run.
struct RunConfig {
  enum class Tier { kCycle, kModel };
  enum class Engine { kFast, kLockstep };
  Tier tier = Tier::kCycle;
  Engine engine = Engine::kFast;
  bool verify = true;                ///< the numeric check against float64
  bool check = false;                ///< the L1 checker
  bool trace = false;                ///< write trace.pftrace
  unsigned save_every = 0;           ///< steps between copies of the trained parameters; 0: none
  Cycle max_cycles{20'000'000'000};  ///< the run fails when it needs more
};

}  // namespace etude
