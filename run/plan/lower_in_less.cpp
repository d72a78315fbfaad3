// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lower_in_less.h"

#include <utility>

#include "models/base/error.h"

namespace etude::run {

double seconds_of(const Prediction& predicted, const RootConfig& config) {
  return static_cast<double>(predicted.cycles.raw()) / config.platform.cluster.clock_hz;
}

bool lower_in_less(const TrainingGraph& training, const RootConfig& config, const StepModel& model,
                   const compiler::SchedulePolicy& policy, compiler::LowerOptions options,
                   Bytes keep, Bytes peak, Program& program, Prediction& predicted) {
  constexpr std::uint64_t kParts = 10;
  const Bytes budget = *options.budget;
  bool faster = false;
  for (std::uint64_t part = 1; part < kParts; ++part) {
    const Bytes less{keep.raw() * part / kParts};
    if (less < peak || less >= budget) {
      continue;
    }
    options.budget = less;
    // The rest of the budget is not there: what needs a larger L2 with it is none of these.
    PlatformConfig platform = config.platform;
    const Bytes rest = platform.l2.size > budget - less ? budget - less : Bytes{};
    platform.l2.size = platform.l2.size - rest;
    try {
      Program other = compiler::lower_step(training, platform, options, policy);
      const Prediction of_other = prediction_of(model, config, other);
      if (of_other.cycles < predicted.cycles) {
        other.budget = budget;
        other.memory.l2_enough += rest;
        program = std::move(other);
        predicted = of_other;
        faster = true;
      }
    } catch (const UserError&) {
      // No place for it in so little.
    }
  }
  return faster;
}

}  // namespace etude::run
