// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "run/plan/pass_message.h"
#include "run/plan/plan.h"
#include "run/plan/runtime_file.h"
#include "sim/engine/job.h"

namespace etude::run {

/// The cores' program before a task list: with the code of decoding where the list leaves its place
/// to that. Errors: UserError if it is not built.
std::filesystem::path runtime_before(Address task_list);

/// What the engine runs for a plan, without callbacks: the cores' runtime, boot block, everything
/// that memory holds before the first pass, and the gradients' probes (tag = index in the program's
/// list). Errors: UserError if the runtime is not built.
Job make_job(const Plan& plan);

/// The job of one pass, without probes. Errors: UserError if the runtime is not built.
Job pass_job(PassMessage message);

}  // namespace etude::run
