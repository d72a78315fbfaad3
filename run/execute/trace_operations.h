// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "program/program.h"
#include "sim/engine/run_record.h"
#include "sim/trace/timeline.h"

namespace etude::run {

/// Names spans of transfers by tensor and layer, those of kernels and jobs by layer and work, draws
/// an arrow from each operation that writes bytes to the first one on each other unit that reads
/// them, and adds the bandwidths of the DMAs over time.
void trace_operations(const Program& program, const RunRecord& record, Timeline& timeline);

}  // namespace etude::run
