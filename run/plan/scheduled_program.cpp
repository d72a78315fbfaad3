// SPDX-License-Identifier: Apache-2.0
#include "run/plan/scheduled_program.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "compiler/lower/lower.h"
#include "compiler/lower/place_step.h"
#include "compiler/schedule/keep.h"
#include "compiler/schedule/policies.h"
#include "models/base/error.h"
#include "run/plan/chosen_policy.h"
#include "run/plan/flash_pages.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/step_model.h"

namespace etude::run {
namespace {
using Policy = ScheduleConfig::Policy;

/// A budget that finds no place is made this much smaller for the solver, so often.
constexpr double kSmaller = 0.98;
constexpr unsigned kAttempts = 6;

std::string number(double value) { return nlohmann::ordered_json(value).dump(); }

void refuse(bool when, const std::string& pointer, const std::string& what,
            const std::string& instead) {
  if (when) {
    throw compiler::NotAvailable(pointer, what + " is not available", instead);
  }
}

/// The step that keeps everything and has its parameters at home in L2, where that is allowed and
/// fits: no schedule takes less energy or time. Nothing where memory itself is to be saved, or
/// where the deadline is shorter still.
std::optional<Program> all_in_l2(const TrainingGraph& training, const RootConfig& config,
                                 compiler::LowerOptions options) {
  if (config.workload.home != WorkloadConfig::Home::kAuto ||
      config.schedule.objective == ScheduleConfig::Objective::kPeak) {
    return std::nullopt;
  }
  options.home = WorkloadConfig::Home::kL2;
  try {
    Program program =
        compiler::lower_step(training, config.platform, options, compiler::KeepPolicy());
    const double seconds =
        static_cast<double>(program.modelled_cycles.raw()) / config.platform.cluster.clock_hz;
    const double deadline = config.schedule.deadline;
    return deadline == 0 || seconds <= deadline ? std::optional(std::move(program)) : std::nullopt;
  } catch (const UserError&) {
    return std::nullopt;
  }
}

/// The schedule that a policy chooses for `request`; `timed_out`: time ended its search.
compiler::Schedule chosen(const StepModel& model, const RootConfig& config,
                          const compiler::ScheduleRequest& request, bool& timed_out) {
  const auto answer = compiler::ask_policy(config.schedule.policy, model.step.problem, request);
  if (answer.found() && answer.replay.ok) {
    timed_out = answer.timed_out;
    compiler::Schedule schedule = compiler::schedule_of(model.step, answer.schedule);
    schedule.to_flash = config.schedule.page_to == ScheduleConfig::PageTo::kFlash;
    if (schedule.to_flash) {
      (void)flash_use(model.step.problem, answer.schedule, config.platform.flash);
    }
    return schedule;
  }
  if (!answer.notes.empty() && answer.schedule.slots.empty() && !answer.needs) {
    throw UserError("/schedule/policy", "has no schedule: " + answer.notes.front(),
                    "choose another policy");
  }
  std::string what = "of " + std::to_string(request.limits.budget->raw()) + " bytes: ";
  what += answer.status == compiler::ScheduleAnswer::Status::kUnknown
              ? "no schedule was found in time"
              : "no schedule fits";
  std::string pointer = "/schedule/budget", instead = "give a larger budget";
  if (answer.needs && answer.needs->deadline_s) {
    pointer = "/schedule/deadline";
    instead = "a deadline of " + number(*answer.needs->deadline_s) + " s would do";
  } else if (answer.needs) {
    instead = "operator '" + answer.needs->operator_name + "' needs " +
              std::to_string(answer.needs->bytes.raw()) + " bytes";
  } else if (!answer.schedule.slots.empty()) {
    instead = "this policy takes " + std::to_string(answer.replay.peak.raw()) + " bytes and " +
              number(answer.replay.time_s) + " s";
  }
  throw UserError(pointer, what, instead);
}

/// Solves for `budget`, and for a smaller one where what was chosen finds no place.
Program solved(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
               const compiler::LowerOptions& options, compiler::ScheduleRequest request,
               Bytes budget) {
  for (unsigned again = 0;; ++again) {
    request.limits.budget = budget;
    bool timed_out = false;
    const ChosenPolicy policy(chosen(model, config, request, timed_out));
    try {
      Program program = compiler::lower_step(training, config.platform, options, policy);
      if (timed_out) {
        program.warnings.push_back(
            "the search for a schedule ended at its time limit: another run may find another one");
      }
      if (again > 0) {
        program.warnings.push_back("the schedule was solved " + std::to_string(again + 1) +
                                   " times, the last time for " + std::to_string(budget.raw()) +
                                   " bytes, until it found its place in L2");
      }
      return program;
    } catch (const UserError&) {
      if (again + 1 == kAttempts) {
        throw;
      }
      budget = Bytes{static_cast<std::uint64_t>(static_cast<double>(budget.raw()) * kSmaller)};
    }
  }
}

}  // namespace

Program scheduled_program(const TrainingGraph& training, const RootConfig& config) {
  const ScheduleConfig& schedule = config.schedule;
  if (!schedule.file.empty()) {
    return program_of_file(training, config);
  }
  compiler::LowerOptions options{schedule, config.workload.home, config.tiling,
                                 config.train.precision};
  const bool plain = schedule.policy == Policy::kKeep || schedule.policy == Policy::kSqrt;
  if (plain && (schedule.policy == Policy::kKeep || schedule.budget == 0)) {
    refuse(schedule.policy == Policy::kSqrt && schedule.deadline != 0, "/schedule/deadline",
           "of a run with \"sqrt\"", "leave it out");
    return compiler::lower_step(training, config.platform, options);
  }
  refuse(!plain && config.workload.home == WorkloadConfig::Home::kL2, "/workload/home",
         "\"l2\" with this policy", "give \"auto\" or \"extmem\"");
  const StepModel model = model_step(training, config);
  if (schedule.budget != 0) {
    options.budget = budget_of(schedule.budget, model.step.problem, "/schedule/budget");
  }
  if (plain) {
    refuse(schedule.deadline != 0, "/schedule/deadline", "of a run with \"sqrt\"", "leave it out");
    return compiler::lower_step(training, config.platform, options);
  }
  if (auto roomy = all_in_l2(training, config, options)) {
    roomy->warnings.push_back("everything fits at home in L2: nothing is moved or made again");
    return std::move(*roomy);
  }
  options.home = WorkloadConfig::Home::kExtmem;
  compiler::ScheduleRequest request;
  request.rules = compiler::CandidateRules::usual(model.step.problem);
  request.objective = objective_of(schedule.objective);
  if (schedule.deadline != 0) {
    request.limits.deadline_s = schedule.deadline;
  }
  if (options.budget) {
    return solved(training, config, model, options, request, *options.budget);
  }
  const Bytes l2 = config.platform.l2.size;
  const auto behind = [&](Bytes fixed) { return l2 > fixed ? l2 - fixed : Bytes{1}; };
  try {
    return solved(training, config, model, options, request, behind(model.l2_fixed));
  } catch (const UserError&) {
    // With the task list at home in HyperRAM.
    return solved(training, config, model, options, request, behind(compiler::least_l2_fixed()));
  }
}

}  // namespace etude::run
