// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace etude::cli {

// Each function adds one subcommand of etude-sim to `app`. The subcommand's callback stores the
// exit status in `status` (0 done, 1 defect of ours, 2 wrong input, 3 simulated program failed) or
// throws UserError / ProgramError, which main() turns into one line on stderr and the status.
void add_config(CLI::App& app, int& status);
void add_describe(CLI::App& app, int& status);
void add_elf(CLI::App& app, int& status);
void add_run(CLI::App& app, int& status);
void add_schedule(CLI::App& app, int& status);
void add_gemm(CLI::App& app, int& status);
void add_price(CLI::App& app, int& status);
void add_replay(CLI::App& app, int& status);
/// Hidden: a pass that a process without a simulator wants to have counted.
void add_measure(CLI::App& app, int& status);

}  // namespace etude::cli
