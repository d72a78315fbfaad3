// SPDX-License-Identifier: Apache-2.0
#include "run/execute/meter.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "models/base/system_error.h"
#include "run/execute/job.h"
#include "sim/engine/run.h"
#include "sim/trace/timeline.h"

namespace etude::run {
namespace {
using Json = nlohmann::json;

[[noreturn]] void fail(const char* what) {
  throw SystemError(std::string("a step cannot be measured: ") + what + ": " +
                    std::strerror(errno));
}

/// What the timeline of a pass knows of each operation. The DMA reports its transfers by their
/// place in L1: those of one place and size are over in the order of their posting.
std::vector<OperationSpan> spans_of(const PassMessage& pass, const StepRecord& step,
                                    const Timeline& timeline) {
  using Place = std::pair<std::uint32_t, std::uint64_t>;
  std::map<Place, std::deque<TraceTransfer>> records;
  for (const TraceTransfer& transfer : timeline.transfers) {
    records[{transfer.l1, transfer.bytes}].push_back(transfer);
  }
  std::map<std::uint32_t, Place> places;
  for (const PlacedTransfer& transfer : pass.transfers) {
    places.emplace(transfer.operation, Place{transfer.l1, transfer.bytes});
  }
  const auto in_step = [&](Cycle when) { return when > step.begin ? when - step.begin : Cycle{}; };
  std::vector<OperationSpan> spans(pass.op_unit.size());
  for (const OpSegment& segment : step.segments) {
    OperationSpan& span = spans.at(segment.op);
    span = {segment.begin, in_step(timeline.op_done.front().at(segment.op)), segment.begin};
    if (const auto place = places.find(segment.op); place != places.end()) {
      auto& same = records[place->second];
      while (!same.empty() && same.front().launched < step.begin + segment.begin) {
        same.pop_front();
      }
      if (!same.empty()) {
        span.begin = in_step(same.front().launched);
        span.end = in_step(same.front().done);
        same.pop_front();
      }
    } else if (pass.op_unit[segment.op] == static_cast<std::uint8_t>(TaskUnit::kCores) &&
               !pass.platform.cluster.controller) {
      span.end = segment.end;  // core 0 has run its part, and waited for the others
    }
  }
  return spans;
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
    Job job = pass_job(pass);
    pass.images.clear();
    Timeline timeline;
    EngineOptions options;
    options.timeline = &timeline;
    const RunRecord record = run_job(pass.platform, job, options);
    if (record.exit_status != 0 || record.steps.size() != 1) {
      return Json{{"error", "the runtime ended with status " + std::to_string(record.exit_status)}}
          .dump();
    }
    const StepRecord& step = record.steps.front();
    MeasuredPass measured{activity_of(step), spans_of(pass, step, timeline), {}};
    for (std::size_t i = 0; pass.by_layer && i < step.layer_counters.size(); ++i) {
      measured.layers.push_back(activity_of_layer(step, i, Cycle{}));
      std::erase_if(measured.layers.back().counters, [](const auto& c) { return c.second == 0; });
    }
    return account_text(measured);
  } catch (const std::exception& error) {
    return Json{{"error", error.what()}}.dump();
  }
}

MeasuredPass measure_pass(const Plan& plan) {
  return measure_message([&plan] { return PassMessage(plan); });
}

MeasuredPass measure_message(const std::function<PassMessage()>& message) {
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
      write_all(ends[1], account_of(message));
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
