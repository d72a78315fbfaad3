// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/execute/run.h"
#include "run/plan/result_folder.h"

namespace etude::run {

/// Writes all of a run but what save() has: config.resolved.json, outputs.npz (of the cycle tier),
/// trace.pftrace if there is one, result.json, manifest.json. Errors: as ResultFolder::finish().
void finish(ResultFolder& folder, const RootConfig& config, const Result& result);

}  // namespace etude::run
