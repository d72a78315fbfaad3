// SPDX-License-Identifier: Apache-2.0
#include "run/execute/meter.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "models/base/error.h"
#include "models/base/system_error.h"
#include "run/execute/job.h"
#include "sim/engine/run.h"

namespace etude::run {
namespace {
using Json = nlohmann::json;

[[noreturn]] void fail(const char* what) {
  throw SystemError(std::string("a step cannot be measured: ") + what + ": " +
                    std::strerror(errno));
}

void write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = write(descriptor, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) {
      return;  // nobody listens
    }
    at += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got == 0 || (got < 0 && errno != EINTR)) {
      return text;
    }
    text.append(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  }
}

}  // namespace

std::string account_of(const std::function<PassMessage()>& message) {
  try {
    PassMessage pass = message();
    const PlatformConfig platform = pass.platform;
    const RunRecord record = run_job(platform, pass_job(std::move(pass)), {});
    if (record.exit_status != 0 || record.steps.size() != 1) {
      return Json{{"error", "the runtime ended with status " + std::to_string(record.exit_status)}}
          .dump();
    }
    return account_text(activity_of(record.steps.front()));
  } catch (const std::exception& error) {
    return Json{{"error", error.what()}}.dump();
  }
}

Activity measure_pass(const Plan& plan) {
  int ends[2];
  if (pipe(ends) != 0) {
    fail("pipe");
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    fail("fork");
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it is of no use without its parent
    if (getppid() == parent) {
      close(ends[0]);
      write_all(ends[1], account_of([&plan] { return PassMessage(plan); }));
    }
    _exit(0);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return read_account(text);
}

}  // namespace etude::run
