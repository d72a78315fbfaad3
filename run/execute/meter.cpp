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
std::vector<OperationSpan> spans_of(const Plan& plan, const StepRecord& step,
                                    const Timeline& timeline) {
  using Place = std::pair<std::uint32_t, std::uint64_t>;
  std::map<Place, std::deque<TraceTransfer>> transfers;
  for (const TraceTransfer& transfer : timeline.transfers) {
    transfers[{transfer.l1, transfer.bytes}].push_back(transfer);
  }
  const auto in_step = [&](Cycle when) { return when > step.begin ? when - step.begin : Cycle{}; };
  const std::vector<Operation>& operations = plan.program().tasks.operations;
  std::vector<OperationSpan> spans(operations.size());
  for (const OpSegment& segment : step.segments) {
    const Operation& operation = operations.at(segment.op);
    OperationSpan& span = spans[segment.op];
    span = {segment.begin, in_step(timeline.op_done.front().at(segment.op))};
    if (const auto* transfer = operation.as<Transfer>()) {
      auto& same = transfers[{transfer->l1.raw(), transfer->bytes()}];
      while (!same.empty() && same.front().launched < step.begin + segment.begin) {
        same.pop_front();
      }
      if (!same.empty()) {
        span = {in_step(same.front().launched), in_step(same.front().done)};
        same.pop_front();
      }
    } else if (operation.as<KernelCall>() != nullptr &&
               !plan.config().platform.cluster.controller) {
      span.end = segment.end;  // core 0 has run its part, and waited for the others
    }
  }
  return spans;
}

Json to_json(const std::vector<OperationSpan>& spans) {
  Json json = Json::array();
  for (const OperationSpan& span : spans) {
    json.push_back(span.begin.raw());
    json.push_back(span.end.raw());
  }
  return json;
}

std::vector<OperationSpan> spans_from(const Json& json) {
  std::vector<OperationSpan> spans;
  for (std::size_t i = 0; i + 1 < json.size(); i += 2) {
    spans.push_back({Cycle{json[i].get<std::uint64_t>()}, Cycle{json[i + 1].get<std::uint64_t>()}});
  }
  return spans;
}

/// What the child tells: the counts, or why there are none.
std::string account_of(const Plan& plan) {
  try {
    Job job = make_job(plan);
    job.steps = 1;
    job.probes.clear();  // nobody looks at numbers
    job.after_step = [](unsigned, const auto&) {};
    Timeline timeline;
    EngineOptions options;
    options.timeline = &timeline;
    const RunRecord record = run_job(plan.config().platform, job, options);
    if (record.exit_status != 0 || record.steps.size() != 1) {
      return Json{{"error", "the runtime ended with status " + std::to_string(record.exit_status)}}
          .dump();
    }
    const Activity activity = activity_of(record.steps.front());
    return Json{{"cycles", activity.cycles.raw()},
                {"counters", activity.counters},
                {"stalls", activity.core_stalls},
                {"spans", to_json(spans_of(plan, record.steps.front(), timeline))}}
        .dump();
  } catch (const std::exception& error) {
    return Json{{"error", error.what()}}.dump();
  }
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

MeasuredPass measure_pass(const Plan& plan) {
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
      write_all(ends[1], account_of(plan));
    }
    _exit(0);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const Json account = Json::parse(text, nullptr, false);
  if (account.is_discarded() || account.contains("error")) {
    throw ProgramError("the step that keeps everything cannot be measured: " +
                       (account.is_object() ? account.at("error").get<std::string>()
                                            : std::string("its process ended too early")));
  }
  return {{Cycle{account.at("cycles").get<std::uint64_t>()},
           account.at("counters").get<CounterSnapshot>(),
           account.at("stalls").get<std::map<std::string, std::uint64_t>>()},
          spans_from(account.at("spans"))};
}

}  // namespace etude::run
