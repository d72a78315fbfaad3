// SPDX-License-Identifier: Apache-2.0
// etude-sim: parses the command line, runs one subcommand, maps errors to exit statuses.
#include <iostream>
#include <systemc>

#include "models/base/error.h"
#include "sim/cli/commands.h"

int sc_main(int, char**) { return 0; }

int main(int argc, char** argv) {
  CLI::App app{"Etude: cycle-level simulator and design-space explorer for on-device training"};
  app.set_version_flag("--version", ETUDE_VERSION);
  app.require_subcommand(1);
  int status = 0;
  etude::cli::add_replay(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const etude::UserError& e) {
    std::cerr << "etude-sim: " << e.what() << '\n';
    return 2;
  } catch (const etude::ProgramError& e) {
    std::cerr << "etude-sim: " << e.what() << '\n';
    return 3;
  } catch (const std::exception& e) {
    std::cerr << "etude-sim: internal error: " << e.what() << '\n';
    return 1;
  }
  return status;
}
