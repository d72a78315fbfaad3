// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace etude::run {

/// The command that repeats a run, for a shell: `simulator.command` of result.json. `sets`: every
/// key that is changed, as --set has it.
std::string run_command(const std::string& config, const std::vector<std::string>& sets);

}  // namespace etude::run
