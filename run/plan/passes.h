// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/energy/energy.h"

namespace etude::run {

/// Adds up each `passes` consecutive runs of the task list to one step of the report: cycles,
/// counters and stalls are sums, and the stretches follow each other.
std::vector<StepRecord> join_passes(std::vector<StepRecord> runs, unsigned passes);

}  // namespace etude::run
