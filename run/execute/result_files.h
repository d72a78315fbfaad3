// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "run/execute/run.h"

namespace etude::run {

/// Refuses a folder that could not be written, without touching it. Errors: UserError.
void check_folder(const std::filesystem::path& folder);

/// Writes everything that a run leaves behind into a folder, which is made if need be:
/// config.resolved.json, outputs.npz, steps/N.npz, result.json, trace.pftrace.
/// Errors: UserError naming the file.
void write_results(const std::filesystem::path& folder, const RootConfig& config,
                   const Result& result);

}  // namespace etude::run
