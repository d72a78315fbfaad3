// SPDX-License-Identifier: Apache-2.0
// etude-sim measure: counts one pass that stdin brings, for processes that hold no simulator. With
// --many one after the other, each behind its length in a line of its own and answered by a line:
// each in a copy of this process, in which the simulator begins anew.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "models/base/error.h"
#include "run/execute/meter.h"
#include "run/plan/pass_message.h"

namespace etude::cli {
namespace {

std::string account_of_message(const std::string& bytes) {
  const run::PassMessage message = run::pass_message(bytes);
  return run::account_of([&message] { return message; }) + '\n';
}

/// All that a stream of any length has.
std::string all_of(std::istream& in) {
  std::string bytes;
  char piece[65536];
  while (in.read(piece, sizeof piece), in.gcount() > 0) {
    bytes.append(piece, static_cast<std::size_t>(in.gcount()));
  }
  return bytes;
}

/// What a copy of this process says; where it ends otherwise, this one ends so, too.
void answer_in_a_copy(const std::string& bytes) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
      _exit(0);
    }
    try {
      std::cout << account_of_message(bytes) << std::flush;
    } catch (const std::exception& error) {
      std::cerr << "etude-sim: " << error.what() << std::endl;
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0 || WIFEXITED(status)) {
    if (child < 0 || WEXITSTATUS(status) != 0) {
      _exit(1);
    }
    return;
  }
  std::signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  _exit(1);
}

void answer_many() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::size_t length = 0;
    const auto read = std::from_chars(line.data(), line.data() + line.size(), length);
    if (read.ec != std::errc() || read.ptr != line.data() + line.size()) {
      throw UserError("stdin", "'" + line + "' is no length of a message", "give its bytes");
    }
    std::string bytes(length, '\0');
    if (!std::cin.read(bytes.data(), static_cast<std::streamsize>(length))) {
      throw UserError("stdin", "ends within a message", "give all of its bytes");
    }
    answer_in_a_copy(bytes);
  }
}

}  // namespace

void add_measure(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("measure", "Count one pass that stdin brings");
  command->group("");  // no command of users
  const auto many = std::make_shared<bool>(false);
  command->add_flag("--many", *many, "One after the other, each behind its length");
  command->callback([&status, many] {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it is of no use without its parent
    std::ios::sync_with_stdio(false);
    if (*many) {
      answer_many();
    } else {
      std::cout << account_of_message(all_of(std::cin));
    }
    status = 0;
  });
}

}  // namespace etude::cli
