// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/pofo_chain.h"
#include "compiler/schedule/schedule_problem.h"

namespace etude::compiler {

/// A problem as a chain: forward operators cut where at most one tensor crosses, and the others
/// with the last stage of which they read a result (else with the operator before them).
struct ProblemChain {
  std::vector<ChainStage> stages;
  std::vector<std::vector<SlotId>> forward, backward;  ///< slots of each stage, ascending
  std::vector<std::vector<StorageId>> saved;           ///< of each stage
  std::vector<std::optional<StorageId>> input;         ///< what crosses into each stage
  Bytes home{0};                                       ///< most bytes of tensors from home at once
  /// The first slot of the backward pass of stages 0 to `stage`: the end if there is none.
  SlotId backward_begin(std::size_t stage) const;
  SlotId end = 0;  ///< behind the last slot
};

/// The chain of a problem, or why it is none.
struct ChainOrReason {
  std::optional<ProblemChain> chain;
  std::string reason;
};
ChainOrReason chain_of(const ScheduleProblem& problem);

}  // namespace etude::compiler
