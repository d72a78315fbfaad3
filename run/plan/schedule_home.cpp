// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_home.h"

namespace etude::run {

bool home_in_l2(const StepModel& model, const RootConfig& config,
                compiler::ScheduleObjective objective, std::optional<double> budget, Bytes room) {
  using Home = WorkloadConfig::Home;
  if (config.workload.home != Home::kAuto || objective == compiler::ScheduleObjective::kPeak) {
    return config.workload.home == Home::kL2;
  }
  const Bytes most = budget ? budget_of(*budget, model.step.problem, "budget") : room;
  return model.at_home_in_l2.problem.peak_keep() <= most;
}

}  // namespace etude::run
