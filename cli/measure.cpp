// SPDX-License-Identifier: Apache-2.0
// etude-sim measure: counts one pass that stdin brings, for processes that hold no simulator.
#include <sys/prctl.h>

#include <csignal>
#include <iostream>
#include <iterator>
#include <string>

#include "cli/commands.h"
#include "run/execute/meter.h"
#include "run/plan/pass_message.h"

namespace etude::cli {

void add_measure(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("measure", "Count one pass that stdin brings");
  command->group("");  // no command of users
  command->callback([&status] {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it is of no use without its parent
    const std::string bytes{std::istreambuf_iterator<char>(std::cin), {}};
    const run::PassMessage message = run::pass_message(bytes);
    std::cout << run::account_of([&message] { return message; }) << '\n';
    status = 0;
  });
}

}  // namespace etude::cli
