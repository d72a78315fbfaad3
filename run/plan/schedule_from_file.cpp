// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_from_file.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "compiler/schedule/optimal.h"
#include "compiler/schedule/schedule_file.h"
#include "models/base/error.h"
#include "run/plan/step_model.h"
#include "sim/config/json_file.h"
#include "sim/config/schedule_words.h"

namespace etude::run {
namespace {

constexpr const char* kFile = "/schedule/file";

std::vector<std::uint8_t> bytes_of(const std::string& file) {
  const std::string text = read_whole_file(file, kFile);
  return {text.begin(), text.end()};
}

/// `member` of the configuration as the file has it; refused if the user gave something else.
template <class Value>
void take(const RootConfig& config, const std::string& pointer,
          const std::vector<std::pair<std::string, Value>>& words, Value& member, Value in_file) {
  const auto word = [&](Value value) {
    for (const auto& [name, each] : words) {
      if (each == value) {
        return "\"" + name + "\"";
      }
    }
    return std::string("?");
  };
  if (config.is_given(pointer) && member != in_file) {
    throw UserError(pointer,
                    word(member) + " contradicts " + kFile + ", which is of " + word(in_file),
                    "leave one of them out");
  }
  member = in_file;
}

std::string number(double value) { return nlohmann::ordered_json(value).dump(); }

}  // namespace

void take_schedule_file(RootConfig& config) {
  ScheduleConfig& schedule = config.schedule;
  if (schedule.file.empty()) {
    return;
  }
  const auto head = compiler::read_schedule_head(bytes_of(schedule.file), kFile);
  if (schedule.policy == ScheduleConfig::Policy::kKeep) {
    schedule.policy = head.policy;  // shipped configurations name keep: no choice against a file
  }
  take(config, "/schedule/policy", schedule_policies(), schedule.policy, head.policy);
  take(config, "/schedule/objective", schedule_objectives(), schedule.objective, head.objective);
  take(config, "/schedule/page_to", schedule_page_to(), schedule.page_to, head.page_to);
  if (schedule.budget == 0 && head.budget) {
    schedule.budget = static_cast<double>(head.budget->raw());
  }
}

compiler::ScheduleAnswer answer_of_file(const compiler::ScheduleProblem& problem,
                                        const RootConfig& config) {
  const ScheduleConfig& schedule = config.schedule;
  compiler::ScheduleRequest request;
  request.objective = objective_of(schedule.objective);
  compiler::ScheduleAnswer answer;
  answer.schedule = compiler::read_schedule(bytes_of(schedule.file), problem, kFile).schedule;
  judge(problem, request, answer);
  if (!answer.replay.ok) {
    throw UserError(kFile, "does not work out: " + answer.replay.faults.front(),
                    "make a schedule for this configuration");
  }
  // What sqrt takes of HyperRAM may need less than its slots say: its program shows.
  if (schedule.budget != 0 && schedule.policy != ScheduleConfig::Policy::kSqrt) {
    const Bytes budget = budget_of(schedule.budget, problem, "/schedule/budget");
    if (answer.replay.peak > budget) {
      throw UserError("/schedule/budget",
                      "of " + std::to_string(budget.raw()) + " bytes is less than the " +
                          std::to_string(answer.replay.peak.raw()) + " that " + kFile + " takes",
                      "give as much, or make a schedule for this budget");
    }
  }
  return answer;
}

void check_deadline_of_file(double seconds, const RootConfig& config) {
  if (config.schedule.deadline != 0 && seconds > config.schedule.deadline) {
    throw UserError("/schedule/deadline",
                    "of " + number(config.schedule.deadline) + " s is shorter than the " +
                        number(seconds) + " s that " + kFile + " is predicted to take",
                    "give as much, or make a schedule for this deadline");
  }
}

bool is_of_file(const compiler::ScheduleProblem& problem, const RootConfig& config) {
  const auto head = compiler::read_schedule_head(bytes_of(config.schedule.file), kFile);
  return head.graph == compiler::graph_number(problem);
}

}  // namespace etude::run
