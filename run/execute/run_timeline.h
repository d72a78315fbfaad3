// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/plan/training_setup.h"
#include "sim/engine/run_record.h"
#include "sim/trace/timeline.h"

namespace etude {

/// Completes what the engine has drawn (harts, RedMulE, DMAs) with the tracks of steps, layers and
/// the controller's operations and with the bytes of L1 and L2 in use.
void complete_timeline(const RootConfig& config, const TrainingSetup& setup, const RunFacts& facts,
                       const RunRecord& record, Timeline& timeline);

}  // namespace etude
