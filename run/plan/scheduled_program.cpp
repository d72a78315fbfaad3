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
#include "run/plan/schedule_clock.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/step_model.h"
#include "sim/config/schedule_words.h"

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

/// Refuses an answer without a schedule in the words of the configuration.
void check_found(const compiler::ScheduleAnswer& answer, const compiler::ScheduleRequest& request) {
  if (answer.found() && answer.replay.ok) {
    return;
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

/// An answer in the compiler's form. Errors: UserError if flash has no room for its pages.
compiler::Schedule in_compiler(const StepModel& model, const RootConfig& config,
                               const compiler::EventSchedule& answer) {
  compiler::Schedule schedule = compiler::schedule_of(model.step, answer);
  schedule.to_flash = config.schedule.page_to == ScheduleConfig::PageTo::kFlash;
  if (schedule.to_flash) {
    (void)flash_use(model.step.problem, answer, config.platform.flash);
  }
  return schedule;
}

std::vector<std::string> names_of(const StepModel& model,
                                  const std::vector<compiler::StorageId>& tensors) {
  std::vector<std::string> names;
  for (const compiler::StorageId i : tensors) {
    names.push_back(model.step.problem.tensors[i].name);
  }
  return names;
}

/// What a configuration asks for, and what a program of its step is predicted to take.
ScheduleFacts facts_of(const RootConfig& config, std::optional<Bytes> budget,
                       const Prediction& predicted) {
  const ScheduleConfig& schedule = config.schedule;
  ScheduleFacts facts;
  const auto word = [](const auto& words, auto value) {
    for (const auto& [name, of] : words) {
      if (of == value) {
        return name;
      }
    }
    return std::string();
  };
  facts.policy = word(schedule_policies(), schedule.policy);
  facts.objective = word(schedule_objectives(), schedule.objective);
  if (budget) {
    facts.budget = budget->raw();
  }
  if (schedule.deadline != 0) {
    facts.deadline_s = schedule.deadline;
  }
  facts.predicted_cycles = predicted.cycles.raw();
  facts.predicted_joules = predicted.joules;
  return facts;
}

/// What the answer is worth, and what it does.
void tell(const StepModel& model, const compiler::ScheduleAnswer& answer, ScheduleFacts& facts) {
  facts.status =
      answer.status == compiler::ScheduleAnswer::Status::kOptimal ? "optimal" : "feasible";
  facts.overhead = answer.overhead;
  facts.bound = answer.bound;
  facts.gap = answer.gap();
  facts.recomputed = names_of(model, answer.replay.recomputed);
  facts.paged = names_of(model, answer.replay.paged);
}

/// With a warning where the answer is not what was asked for at first.
ScheduledProgram solved(const TrainingGraph& training, const RootConfig& config,
                        const StepModel& model, const compiler::ScheduleRequest& request) {
  CarriedOut done = carry_out(training, config, model, config.schedule.policy, request);
  const compiler::ScheduleAnswer& answer = done.answer;
  ScheduledProgram made{std::move(done.program),
                        facts_of(config, request.limits.budget, done.predicted)};
  if (answer.timed_out) {
    made.program.warnings.push_back(
        "the search for a schedule ended at its time limit: another run may find another one");
  }
  if (done.solved > 1) {
    made.program.warnings.push_back("the schedule was solved " + std::to_string(done.solved) +
                                    " times, until what its program takes was within the limits");
  }
  tell(model, answer, *made.facts);
  made.facts->solved = done.solved;
  return made;
}

/// By the schedule of /schedule/file.
ScheduledProgram from_file(const TrainingGraph& training, const RootConfig& config,
                           const StepMeter& meter) {
  const StepModel model = model_step(training, config, meter);
  CarriedOut done = carry_out_file(training, config, model, answer_of_file(model, config));
  const std::optional<Bytes> budget = done.program.budget;
  ScheduledProgram made{std::move(done.program), facts_of(config, budget, done.predicted)};
  tell(model, done.answer, *made.facts);
  return made;
}

}  // namespace

CarriedOut carry_out_file(const TrainingGraph& training, const RootConfig& config,
                          const StepModel& model, compiler::ScheduleAnswer answer) {
  refuse(config.workload.home == WorkloadConfig::Home::kL2, "/workload/home",
         "\"l2\" beside /schedule/file", "give \"auto\" or \"extmem\"");
  compiler::LowerOptions options{config.schedule, WorkloadConfig::Home::kExtmem, config.tiling,
                                 config.train.precision};
  if (config.schedule.budget != 0) {
    options.budget = budget_of(config.schedule.budget, model.step.problem, "/schedule/budget");
  }
  const ChosenPolicy chosen(in_compiler(model, config, answer.schedule));
  CarriedOut done{
      compiler::lower_step(training, config.platform, options, chosen), std::move(answer), 1, {}};
  done.predicted = model.reference->predict(done.program);
  return done;
}

CarriedOut carry_out(const TrainingGraph& training, const RootConfig& config,
                     const StepModel& model, Policy policy, compiler::ScheduleRequest request,
                     std::optional<compiler::ScheduleAnswer> answer) {
  const double clock = config.platform.cluster.clock_hz;
  const std::optional<double> deadline = request.limits.deadline_s;
  compiler::LowerOptions options{config.schedule, WorkloadConfig::Home::kExtmem, config.tiling,
                                 config.train.precision};
  options.budget = request.limits.budget;
  if (!request.clock && is_timed(request)) {
    request.clock = clock_of(training, config, model, request.limits.budget);
  }
  std::optional<CarriedOut> late;
  for (unsigned solutions = 1;; ++solutions) {
    const bool last = solutions == kAttempts;
    if (!answer) {
      answer = compiler::ask_policy(policy, model.step.problem, request);
    }
    if (late && !(answer->found() && answer->replay.ok)) {
      return std::move(*late);
    }
    check_found(*answer, request);
    try {
      const ChosenPolicy chosen(in_compiler(model, config, answer->schedule));
      CarriedOut done{compiler::lower_step(training, config.platform, options, chosen),
                      std::move(*answer),
                      solutions,
                      {}};
      done.predicted = model.reference->predict(done.program);
      const double seconds = static_cast<double>(done.predicted.cycles.raw()) / clock;
      if (!deadline || seconds <= *deadline) {
        return done;
      }
      request.limits.deadline_s = *request.limits.deadline_s * *deadline / seconds;
      if (!late || done.predicted.cycles < late->predicted.cycles) {
        done.program.warnings.push_back("the step is predicted to take " + number(seconds) +
                                        " s, longer than its deadline");
        late = std::move(done);
      }
      if (last) {
        return std::move(*late);
      }
    } catch (const UserError&) {
      if (last) {
        throw;
      }
      const auto bytes = static_cast<double>(request.limits.budget->raw());
      request.limits.budget = Bytes{static_cast<std::uint64_t>(bytes * kSmaller)};
    }
    answer.reset();
  }
}

ScheduledProgram scheduled_program(const TrainingGraph& training, const RootConfig& config,
                                   const StepMeter& meter) {
  const ScheduleConfig& schedule = config.schedule;
  if (!schedule.file.empty()) {
    return from_file(training, config, meter);
  }
  compiler::LowerOptions options{schedule, config.workload.home, config.tiling,
                                 config.train.precision};
  const bool plain = schedule.policy == Policy::kKeep || schedule.policy == Policy::kSqrt;
  if (plain && (schedule.policy == Policy::kKeep || schedule.budget == 0)) {
    refuse(schedule.policy == Policy::kSqrt && schedule.deadline != 0, "/schedule/deadline",
           "of a run with \"sqrt\"", "leave it out");
    return {compiler::lower_step(training, config.platform, options), std::nullopt};
  }
  refuse(!plain && config.workload.home == WorkloadConfig::Home::kL2, "/workload/home",
         "\"l2\" with this policy", "give \"auto\" or \"extmem\"");
  const StepModel model = model_step(training, config, meter);
  if (schedule.budget != 0) {
    options.budget = budget_of(schedule.budget, model.step.problem, "/schedule/budget");
  }
  if (plain) {
    refuse(schedule.deadline != 0, "/schedule/deadline", "of a run with \"sqrt\"", "leave it out");
    Program program = compiler::lower_step(training, config.platform, options);
    const Prediction predicted = model.reference->predict(program);
    return {std::move(program), facts_of(config, options.budget, predicted)};
  }
  if (auto roomy = all_in_l2(training, config, options)) {
    roomy->warnings.push_back("everything fits at home in L2: nothing is moved or made again");
    const Prediction predicted = model.reference->predict(*roomy);
    return {std::move(*roomy), facts_of(config, options.budget, predicted)};
  }
  compiler::ScheduleRequest request;
  request.rules = compiler::CandidateRules::usual(model.step.problem);
  request.objective = objective_of(schedule.objective);
  if (schedule.deadline != 0) {
    request.limits.deadline_s = schedule.deadline;
  }
  request.limits.budget = options.budget;
  if (options.budget) {
    return solved(training, config, model, request);
  }
  const Bytes l2 = config.platform.l2.size;
  const auto behind = [&](Bytes fixed) { return l2 > fixed ? l2 - fixed : Bytes{1}; };
  try {
    request.limits.budget = behind(model.l2_fixed);
    return solved(training, config, model, request);
  } catch (const UserError&) {
    // With the task list at home in HyperRAM.
    request.limits.budget = behind(compiler::least_l2_fixed());
    return solved(training, config, model, request);
  }
}

}  // namespace etude::run
