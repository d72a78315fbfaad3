// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/plan/plan.h"
#include "sim/engine/run_record.h"
#include "sim/trace/timeline.h"

namespace etude::run {

/// Completes what the engine has drawn (harts, RedMulE, DMAs) with the tracks of steps, layers and
/// the controller's operations, with what each span works on and where its bytes go, with
/// bandwidths and with the bytes of L1 and L2 in use.
void complete_timeline(const Plan& plan, const RunRecord& record, Timeline& timeline);

}  // namespace etude::run
