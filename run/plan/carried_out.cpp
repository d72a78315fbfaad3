// SPDX-License-Identifier: Apache-2.0
#include "run/plan/carried_out.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "compiler/lower/lower.h"
#include "compiler/lower/place_step.h"
#include "compiler/schedule/policies.h"
#include "models/base/error.h"
#include "run/plan/chosen_policy.h"
#include "run/plan/flash_pages.h"
#include "run/plan/lower_in_less.h"
#include "run/plan/schedule_clock.h"

namespace etude::run {
namespace {
using Policy = ScheduleConfig::Policy;

/// A budget that finds no place is made this much smaller for the solver, so often.
constexpr double kSmaller = 0.98;
constexpr unsigned kAttempts = 6;

std::string number(double value) { return nlohmann::ordered_json(value).dump(); }

/// Whether other limits can make another answer.
bool knows_limits(Policy policy) { return policy != Policy::kKeep; }

/// An answer in the compiler's form. Errors: UserError if flash has no room for its pages.
compiler::Schedule in_compiler(const compiler::StepProblem& of, const RootConfig& config,
                               const compiler::EventSchedule& answer) {
  compiler::Schedule schedule = compiler::schedule_of(of, answer);
  schedule.to_flash = config.schedule.page_to == ScheduleConfig::PageTo::kFlash;
  if (schedule.to_flash) {
    (void)flash_use(of.problem, answer, config.platform.flash);
  }
  return schedule;
}

/// As it is.
CarriedOut lowered(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
                   const compiler::ScheduleProblem& problem, compiler::Schedule schedule,
                   const compiler::LowerOptions& options, compiler::ScheduleAnswer answer) {
  const ChosenPolicy chosen(std::move(schedule));
  CarriedOut done{
      compiler::lower_step(training, config.platform, options, chosen), std::move(answer), 1, {}};
  done.predicted = prediction_of(model, config, done.program);
  if (options.budget &&
      (config.schedule.deadline != 0 || is_timed(objective_of(config.schedule.objective))) &&
      lower_in_less(training, config, model, chosen, options, problem.peak_keep(),
                    done.answer.replay.peak, done.program, done.predicted) &&
      done.answer.carried) {
    compiler::set_carried(problem, {seconds_of(done.predicted, config), done.predicted.joules},
                          done.answer);
  }
  return done;
}

/// Whether a program found no place because what was asked for beside parameters at home in L2
/// (`apart`) takes a larger L2: the same answer has a place there.
bool needs_larger_l2(const UserError& error, const RootConfig& config, bool apart) {
  return apart && config.schedule.budget != 0 &&
         dynamic_cast<const compiler::ShortOfBudget*>(&error) == nullptr;
}

}  // namespace

void check_found(const compiler::ScheduleAnswer& answer, const compiler::ScheduleRequest& request) {
  if (answer.found() && answer.replay.ok) {
    return;
  }
  if (!answer.notes.empty() && answer.schedule.slots.empty() && !answer.needs) {
    throw UserError("/schedule/policy", "has no schedule: " + answer.notes.front(),
                    "choose another policy");
  }
  const compiler::ScheduleLimits& limits = request.limits;
  const auto seconds = [](double value) { return number(value) + " s"; };
  const bool found = !answer.schedule.slots.empty();
  const bool fits = found && answer.replay.peak <= *limits.budget;
  const double time_s = answer.carried ? answer.carried->seconds : answer.replay.time_s;
  if (limits.deadline_s && ((answer.needs && answer.needs->deadline_s) ||
                            (!answer.needs && fits && time_s > *limits.deadline_s))) {
    throw UserError("/schedule/deadline",
                    "of " + seconds(*limits.deadline_s) + ": no schedule is in time",
                    "a deadline of " + seconds(answer.needs ? *answer.needs->deadline_s : time_s) +
                        " would do");
  }
  std::string instead = "give a larger budget";
  if (answer.needs) {
    instead = "operator '" + answer.needs->operator_name + "' needs " +
              std::to_string(answer.needs->bytes.raw()) + " bytes";
  } else if (found) {
    instead = "this policy takes " + std::to_string(answer.replay.peak.raw()) + " bytes";
  }
  throw UserError(
      "/schedule/budget",
      "of " + std::to_string(limits.budget->raw()) + " bytes: no schedule " +
          (answer.status == compiler::ScheduleAnswer::Status::kUnknown ? "was found in time"
                                                                       : "fits"),
      instead);
}

CarriedOut carry_out_file(const TrainingGraph& training, const RootConfig& config,
                          const StepModel& model, const StepAtHome& at,
                          compiler::ScheduleAnswer answer, std::optional<Bytes> budget) {
  compiler::LowerOptions options = options_at(at, config);
  options.budget = budget;
  compiler::Schedule schedule = in_compiler(at.of, config, answer.schedule);
  return lowered(training, config, model, at.of.problem, std::move(schedule), options,
                 std::move(answer));
}

CarriedOut carry_out_segments(const TrainingGraph& training, const RootConfig& config,
                              const StepModel& model, const StepAtHome& at, Bytes budget,
                              compiler::ScheduleAnswer answer) {
  compiler::LowerOptions options = options_at(at, config);
  options.budget = budget;
  compiler::Schedule schedule = compiler::schedule_of(at.of, answer.schedule);
  schedule.pages.clear();
  return lowered(training, config, model, at.of.problem, std::move(schedule), options,
                 std::move(answer));
}

CarriedOut carry_out(const TrainingGraph& training, const RootConfig& config,
                     const StepModel& model, const StepAtHome& at,
                     compiler::ScheduleRequest request, compiler::ScheduleAnswer answer) {
  const Policy policy = config.schedule.policy;
  const std::optional<double> deadline = request.limits.deadline_s;
  compiler::LowerOptions options = options_at(at, config);
  options.budget = request.limits.budget;
  std::optional<CarriedOut> late;
  std::exception_ptr unplaced;  // what was wrong with the first one, in the user's budget
  for (unsigned solutions = 1;; ++solutions) {
    const bool last = solutions == kAttempts || !knows_limits(policy);
    if (late && !(answer.found() && answer.replay.ok)) {
      return std::move(*late);
    }
    if (unplaced && !(answer.found() && answer.replay.ok)) {
      std::rethrow_exception(unplaced);
    }
    check_found(answer, request);
    try {
      compiler::Schedule schedule = in_compiler(at.of, config, answer.schedule);
      CarriedOut done = lowered(training, config, model, at.of.problem, std::move(schedule),
                                options, std::move(answer));
      done.solved = solutions;
      const double seconds =
          static_cast<double>(done.predicted.cycles.raw()) / config.platform.cluster.clock_hz;
      if (!deadline || seconds <= *deadline) {
        return done;
      }
      request.limits.deadline_s = *request.limits.deadline_s * *deadline / seconds;
      if (!late || done.predicted.cycles < late->predicted.cycles) {
        late = std::move(done);
      }
      if (last) {
        return std::move(*late);
      }
    } catch (const UserError& error) {
      if (last || needs_larger_l2(error, config, at.apart)) {
        unplaced ? std::rethrow_exception(unplaced) : throw;
      }
      unplaced = unplaced ? unplaced : std::current_exception();
      const auto bytes = static_cast<double>(request.limits.budget->raw());
      request.limits.budget = Bytes{static_cast<std::uint64_t>(bytes * kSmaller)};
    }
    answer = compiler::ask_policy(policy, at.of.problem, request);
  }
}

}  // namespace etude::run
