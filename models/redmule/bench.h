// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "models/redmule/redmule.h"

namespace etude {

/// One RedMulE job on drawn data behind an ideal memory that answers in the next cycle.
struct RedmuleBenchJob {
  std::uint32_t m = 1, n = 1, k = 1;
  std::uint32_t op = 1;      ///< ETUDE_REDMULE_OP_...
  std::uint32_t format = 1;  ///< ETUDE_REDMULE_FMT_...
  std::uint64_t gap = 0;     ///< idle cycles between the write of 0x54 and TRIGGER
  double stall = 0.0;        ///< probability per cycle that the port is refused
  std::uint64_t seed = 1;    ///< of the data and of the refusals
};

struct RedmuleBenchResult {
  bool finished = false;
  std::uint64_t cycles = 0;  ///< from the write of TRIGGER to the done event
  bool bit_exact = false;    ///< Z equals the chain replay
  bool estimated = false;    ///< the control stopped or lost step: `cycles` is an estimate
  RedmuleTally tally;
  std::vector<int> errata;
  std::vector<std::string> warnings;
};

/// Told of every access: cycle from TRIGGER, stream, byte offset from the operand's base, granted.
using RedmuleBenchProbe =
    std::function<void(std::uint64_t, const WideRequest&, std::uint32_t, bool)>;
/// Says whether the port is served in a cycle (from TRIGGER); replaces `stall`.
using RedmuleBenchGrant = std::function<bool(std::uint64_t)>;

/// Runs `job` on a freshly cleared `redmule`, cycle by cycle if a probe or grant function is given
/// or the port is refused at times, else at full speed. Throws UserError if the operands exceed the
/// 32-bit address space.
RedmuleBenchResult run_redmule_bench(Redmule& redmule, const RedmuleBenchJob& job,
                                     const RedmuleBenchProbe& probe = {},
                                     const RedmuleBenchGrant& grant = {}, bool check = true);

}  // namespace etude
