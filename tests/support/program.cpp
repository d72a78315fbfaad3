// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.h"

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>

#include "tests/support/shared_data.h"

namespace etude::test {

ProgramRun run_program(const std::string& program, const std::string& arguments) {
  const std::string command = (binary_dir() / program).string() + " " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("cannot start " + command);
  }
  ProgramRun run;
  char buffer[4096];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    run.text.append(buffer, n);
  }
  const int status = pclose(pipe);
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return run;
}

ProgramRun run_etude_sim(const std::string& arguments) {
  return run_program("etude-sim", arguments);
}

}  // namespace etude::test
