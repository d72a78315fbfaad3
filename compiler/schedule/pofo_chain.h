// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace etude::compiler {

/// A stage of a chain: forward, and backward in the reverse order. Bytes.
struct ChainStage {
  double forward_s = 0, backward_s = 0;
  std::uint64_t input = 0;  ///< what the stage before hands on
  std::uint64_t saved = 0;  ///< what its backward pass reads of its results, with the last one
  std::uint64_t forward_all = 0;   ///< most besides its input while it runs and keeps what is saved
  std::uint64_t forward_none = 0;  ///< ... and keeps its last result alone
  std::uint64_t backward = 0;      ///< most besides input and saved while its backward pass runs
  std::uint64_t gradient = 0;      ///< gradients that stand there when its backward pass begins
};

/// What POFO is given: memory in bytes, one rate for each direction of transfers, and in how many
/// units memory is counted (sizes are rounded up).
struct ChainLimits {
  std::uint64_t memory = 0;
  double out_bytes_per_s = 0, in_bytes_per_s = 0;
  unsigned units = 64;
  /// Whether a backward operator may be followed by a wait for what comes in behind it. A schedule
  /// of slots cannot say that: its buffers stand there for whole slots.
  bool waits_behind = true;
};

/// A decision of the forward pass: stage `first` keeps what it saves (`all`), or stages first to
/// last run with nothing kept but the first one's input, and are made again in the backward pass.
/// `offload`: what stands in front of `first` goes to slow memory and comes back.
struct ChainChoice {
  std::size_t first = 0, last = 0;
  bool all = true, offload = false;
  double idle_s = 0;  ///< in front of it, for transfers out to give their memory back
};

/// Stages first to last run forward again once the backward pass of all stages behind `before` is
/// done.
struct ChainRecompute {
  std::size_t before = 0, first = 0, last = 0;
};

struct ChainPlan {
  double seconds = 0;  ///< by the program's own rules
  std::vector<ChainChoice> choices;
  std::vector<ChainRecompute> recomputes;
  bool cut = false;  ///< states were left out: it may not be the program's best
};

/// The dynamic program of POFO (Beaumont et al., NeurIPS 2021). A state is a stage, what is kept
/// until the backward pass, what still has to go out, and what has to be back already when the
/// backward pass of the stages behind has ended; transfers take their rate's part of every
/// operation, and operations wait where memory does not do. Stages without kept results are made
/// again by the persistent dynamic program of rematerialisation (Beaumont et al. 2019) within what
/// memory is left. Nothing if no plan fits, or where it takes more than `most_states` states.
std::optional<ChainPlan> solve_chain(const std::vector<ChainStage>& stages,
                                     const ChainLimits& limits,
                                     std::size_t most_states = 3'000'000);

}  // namespace etude::compiler
