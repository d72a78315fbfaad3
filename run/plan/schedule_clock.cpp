// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_clock.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "compiler/lower/lower.h"
#include "models/base/error.h"
#include "run/plan/carried_out.h"
#include "run/plan/chosen_policy.h"
#include "run/plan/lower_in_less.h"

namespace etude::run {

namespace {

/// So much slower than the fastest known, or later than the deadline, what the same schedule takes
/// in less room is worth to know.
constexpr double kNear = 1.04;

}  // namespace

bool is_timed(compiler::ScheduleObjective objective) {
  return objective == compiler::ScheduleObjective::kTime ||
         objective == compiler::ScheduleObjective::kEdp;
}

bool is_timed(const compiler::ScheduleRequest& request) {
  return request.limits.deadline_s || is_timed(request.objective);
}

compiler::ScheduleClock clock_of(const TrainingGraph& training, const RootConfig& config,
                                 const StepModel& model, const StepAtHome& at,
                                 std::optional<Bytes> budget) {
  compiler::LowerOptions options = options_at(at, config);
  options.budget = budget;
  const auto of = std::make_shared<const compiler::StepProblem>(at.of);
  const auto fastest = std::make_shared<double>(std::numeric_limits<double>::infinity());
  return [&training, &config, &model, of, options,
          fastest](const compiler::EventSchedule& events) -> std::optional<compiler::CarriedCost> {
    compiler::Schedule schedule = compiler::schedule_of(*of, events);
    schedule.to_flash = config.schedule.page_to == ScheduleConfig::PageTo::kFlash;
    try {
      const ChosenPolicy chosen(std::move(schedule));
      Program program = compiler::lower_step(training, config.platform, options, chosen);
      Prediction predicted = prediction_of(model, config, program);
      const double seconds = seconds_of(predicted, config), deadline = config.schedule.deadline;
      const bool late = deadline != 0 && seconds > deadline;
      if (options.budget &&
          ((late && seconds <= deadline * kNear) ||
           (is_timed(objective_of(config.schedule.objective)) && seconds <= *fastest * kNear))) {
        lower_in_less(training, config, model, chosen, options, of->problem.peak_keep(),
                      compiler::replay(of->problem, events).peak, program, predicted);
      }
      *fastest = std::min(*fastest, seconds_of(predicted, config));
      return compiler::CarriedCost{seconds_of(predicted, config), predicted.joules};
    } catch (const UserError&) {
      return std::nullopt;  // others may take less, or a smaller L2
    }
  };
}

}  // namespace etude::run
