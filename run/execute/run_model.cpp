// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run_model.h"

#include "run/execute/meter.h"
#include "run/plan/model_tier.h"

namespace etude::run {

Result run_model(const Plan& plan, const ExecuteOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = options.began.value_or(Clock::now());
  LoneDatabase database(lone_database_file());
  const ProgramCosts costs =
      costs_of_program(plan.program(), plan.config().platform, database, measure_message);
  const double wall = std::chrono::duration<double>(Clock::now() - began).count();
  Result result;
  result.json = model_result(plan, costs, options.warnings, wall);
  return result;
}

}  // namespace etude::run
