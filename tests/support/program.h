// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude::test {

/// What a program printed on both streams together, and its exit status.
struct ProgramRun {
  std::string text;
  int status = -1;
};

/// Runs `program` of this build (a name in the build folder) with `arguments`, as a user's shell
/// would.
ProgramRun run_program(const std::string& program, const std::string& arguments);

/// Runs `etude-sim` of this build with `arguments`, as a user's shell would.
ProgramRun run_etude_sim(const std::string& arguments);

}  // namespace etude::test
