// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run/execute/run.h"
#include "sim/config/root_config.h"

namespace etude::run {

/// The result of a configuration in the model tier (docs/model-tier.md): planned in this process;
/// operations that the database (lone_database_file()) does not have are measured in child
/// processes, and added to it. `config` becomes what its plan found out. No outputs, no check, no
/// trace. To be called while the process has one thread. Errors: UserError; ProgramError and
/// SystemError of a child.
Result run_model(RootConfig& config, const ExecuteOptions& options = {});

}  // namespace etude::run
