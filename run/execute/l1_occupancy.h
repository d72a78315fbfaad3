// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "program/program.h"
#include "sim/engine/run_record.h"
#include "sim/trace/timeline.h"

namespace etude::run {

/// Bytes of L1 in use over a run, what the runtime itself needs included: each buffer of the plan
/// from the operation that first touches it until the units are done with the last ones. Bytes that
/// two buffers share at a border count once.
TraceCounter l1_occupancy(const Program& program, const RunRecord& record,
                          const Timeline& timeline);

}  // namespace etude::run
