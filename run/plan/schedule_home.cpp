// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_home.h"

namespace etude::run {

compiler::ScheduleProblem problem_at_home(const StepModel& model, const RootConfig& config,
                                          compiler::ScheduleObjective objective,
                                          std::optional<double> budget, Bytes room) {
  using Home = WorkloadConfig::Home;
  const compiler::ScheduleProblem& far = model.step.problem;
  const compiler::ScheduleProblem& near = model.at_home_in_l2.problem;
  if (config.workload.home == Home::kL2) {
    return near;
  }
  if (config.workload.home == Home::kAuto && objective != compiler::ScheduleObjective::kPeak) {
    const Bytes most = budget ? budget_of(*budget, far, "budget") : room;
    return near.peak_keep() <= most ? near : far;
  }
  return far;
}

}  // namespace etude::run
