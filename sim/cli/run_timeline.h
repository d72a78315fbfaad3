// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/cli/training_setup.h"
#include "sim/engine/run_record.h"
#include "sim/trace/timeline.h"

namespace etude {

/// The tracks of a run: steps, layers, the controller's operations, every hart awake and asleep,
/// the other units with their busy share per operation, and the bytes of L2 in use.
Timeline timeline_of(const RootConfig& config, const TrainingSetup& setup, const RunFacts& facts,
                     const RunRecord& record);

}  // namespace etude
