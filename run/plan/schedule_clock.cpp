// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_clock.h"

#include <memory>

#include "compiler/lower/lower.h"
#include "models/base/error.h"
#include "run/plan/carried_out.h"
#include "run/plan/chosen_policy.h"

namespace etude::run {

bool is_timed(const compiler::ScheduleRequest& request) {
  return request.limits.deadline_s || request.objective == compiler::ScheduleObjective::kTime ||
         request.objective == compiler::ScheduleObjective::kEdp;
}

compiler::ScheduleClock clock_of(const TrainingGraph& training, const RootConfig& config,
                                 const StepModel& model, const StepAtHome& at,
                                 std::optional<Bytes> budget) {
  compiler::LowerOptions options = options_at(at, config);
  options.budget = budget;
  const auto of = std::make_shared<const compiler::StepProblem>(at.of);
  return [&training, &config, &model, of, options, at_apart = at.apart](
             const compiler::EventSchedule& events) -> std::optional<compiler::CarriedCost> {
    compiler::Schedule schedule = compiler::schedule_of(*of, events);
    schedule.to_flash = config.schedule.page_to == ScheduleConfig::PageTo::kFlash;
    try {
      const Program program = compiler::lower_step(training, config.platform, options,
                                                   ChosenPolicy(std::move(schedule)));
      const Prediction predicted = prediction_of(model, config, program);
      return compiler::CarriedCost{
          static_cast<double>(predicted.cycles.raw()) / config.platform.cluster.clock_hz,
          predicted.joules};
    } catch (const UserError& error) {
      if (needs_larger_l2(error, config, at_apart)) {
        throw;
      }
      return std::nullopt;
    }
  };
}

}  // namespace etude::run
