// SPDX-License-Identifier: Apache-2.0
// etude-sim: parses the command line, runs one subcommand, maps errors to exit statuses.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <systemc>

#include "cli/commands.h"
#include "cli/standard_output.h"
#include "models/base/error.h"
#include "models/base/system_error.h"

int sc_main(int, char**) { return 0; }

namespace {
/// Prints one line on stderr, whatever the text holds, and returns the exit status.
int complain(std::string text, int status) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 32; }, ' ');
  std::cerr << "etude-sim: " << text << '\n';
  return status;
}
}  // namespace

namespace {
int run_subcommand(CLI::App& app, const int& status, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];  // CLI11 takes "--check=" for "--check"
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return complain(argument + " has no value; leave = out or name one", 2);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      return app.exit(e);  // --help, --version
    }
    return complain(std::string(e.what()) + "; see etude-sim --help", 2);
  } catch (const etude::UserError& e) {
    return complain(e.what(), 2);
  } catch (const etude::ProgramError& e) {
    return complain(e.what(), 3);
  } catch (const etude::SystemError& e) {
    return complain(e.what(), 1);
  } catch (const std::exception& e) {
    return complain(std::string("internal error: ") + e.what(), 1);
  }
  return status;
}
}  // namespace

int main(int argc, char** argv) {
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  etude::cli::StandardOutput output;
  CLI::App app{"Etude: cycle-level simulator and design-space explorer for on-device training"};
  app.set_version_flag("--version", ETUDE_VERSION);
  app.require_subcommand(1);
  int status = 0;
  etude::cli::add_config(app, status);
  etude::cli::add_describe(app, status);
  etude::cli::add_elf(app, status);
  etude::cli::add_gemm(app, status);
  etude::cli::add_run(app, status);
  etude::cli::add_price(app, status);
  etude::cli::add_measure(app, status);
  etude::cli::add_replay(app, status);
  etude::cli::add_schedule(app, status);
  const int ended = run_subcommand(app, status, argc, argv);
  if (const int error = output.finish(); error != 0 && ended == 0) {
    return complain(std::string("stdout: cannot be written: ") + std::strerror(error), 1);
  }
  return ended;
}
