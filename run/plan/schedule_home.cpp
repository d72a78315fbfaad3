// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_home.h"

namespace etude::run {
using Home = WorkloadConfig::Home;

StepAtHome in_hyperram(const StepModel& model) {
  return {Home::kExtmem, false, model.step, model.l2_fixed};
}

StepAtHome in_l2(const StepModel& model, bool apart) {
  StepAtHome at{Home::kL2, apart, model.at_home_in_l2, model.l2_fixed};
  if (apart) {
    at.l2_fixed += model.l2_home;
  } else {
    for (compiler::ProblemSlot& slot : at.of.problem.slots) {
      slot.workspace += model.l2_home;
    }
  }
  return at;
}

compiler::LowerOptions options_at(const StepAtHome& at, const RootConfig& config) {
  compiler::LowerOptions options{config.schedule, at.home, config.tiling, config.train.precision};
  options.home_apart = at.apart;
  return options;
}

}  // namespace etude::run
