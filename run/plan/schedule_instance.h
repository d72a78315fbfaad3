// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "compiler/schedule/schedule_problem.h"

namespace etude::run {

/// Reads a graph with its costs from JSON (docs/schedule.md has the format). Slots that are a view
/// of another's result are no operators: their readers read that. Errors: UserError at `where` for
/// unknown keys, lists that contradict each other, and figures of keep that the slots do not give.
compiler::ScheduleProblem read_schedule_instance(const nlohmann::ordered_json& instance,
                                                 const std::string& where);

}  // namespace etude::run
