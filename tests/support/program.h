// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude::test {

/// What a program printed on both streams together, and its exit status.
struct ProgramRun {
  std::string text;
  int status = -1;
};

/// Runs `etude-sim` of this build with `arguments`, as a user's shell would.
ProgramRun run_etude_sim(const std::string& arguments);

}  // namespace etude::test
