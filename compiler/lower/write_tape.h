// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/feeds/context.h"
#include "compiler/schedule/policy.h"

namespace etude::compiler {

/// A step as its tape, and the buffers of L1 that it uses.
struct WrittenStep {
  Tape tape;
  std::vector<L1Block> l1_blocks;
  Bytes l1_reserved;  ///< of the runtime: stacks, rings, the loss
  Bytes l1_peak;      ///< most of buffers behind them at once
  SumCuts cuts;       ///< where sums are cut
};

/// Writes the operators of a step as they are scheduled. `cuts`: where sums must be cut. Errors:
/// UserError when an operator does not fit into L1, naming it and the bytes; NotAvailable.
WrittenStep write_tape(const Step& step, const Schedule& schedule, const SharingChoice& sharing,
                       Tilings& tilings, const SumCuts& cuts = {});

}  // namespace etude::compiler
