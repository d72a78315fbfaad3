// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "run/plan/list_replay.h"
#include "run/plan/model_tier.h"

namespace etude::run {

/// How cold the code of each operation's kernel is, from 0 to 1, how many of its lines that is, and
/// the cycles in which the cores bring what is in the shared I-cache into their own.
struct Coldness {
  std::vector<double> part, lines, from_shared;
};

/// By the code of the kernels that ran since one of the operation's kind did.
Coldness coldness(const ModelledPlan& plan, const ProgramCosts& costs);

/// What the operations of a plan take in the replay of its list: what was measured of each by
/// itself, with the correction. Refers to both arguments for as long as it lives.
ListTimes times_of(const ModelledPlan& plan, const ProgramCosts& costs, const Coldness& coldness);

}  // namespace etude::run
