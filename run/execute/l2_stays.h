// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "program/program.h"
#include "sim/engine/run_record.h"

namespace etude::run {

/// What stood in L2 when, in the last pass over the task list: result.json's `l2` (docs/report.md).
/// Times are cycles of the step, at which operations were posted; a tensor stands from the first
/// operation that touches it to the end of the last one; `use` has the bytes by kind in equal parts
/// of the time (L2Use).
nlohmann::ordered_json l2_stays(const Program& program, const StepRecord& step);

}  // namespace etude::run
