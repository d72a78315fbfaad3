// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_reference.h"

#include <algorithm>
#include <utility>

#include "compiler/lower/lower.h"
#include "compiler/schedule/keep.h"
#include "models/base/error.h"
#include "run/plan/plan.h"

namespace etude::run {
namespace {

/// Keeps everything, in the order of the steps that schedules are carried out on.
class KeepInOrder : public compiler::SchedulePolicy {
 public:
  compiler::Schedule choose(const compiler::Step& step) const override {
    return compiler::KeepPolicy().choose(step);
  }
};

/// Whether the step is one with its parameters at home in L2.
bool is_near(const TrainingGraph& training, const RootConfig& config) {
  using Home = WorkloadConfig::Home;
  const Home home = config.workload.home;
  if (home != Home::kAuto || config.schedule.budget != 0) {
    return home == Home::kL2;
  }
  try {
    const compiler::LowerOptions options{config.schedule, home, config.tiling,
                                         config.train.precision};
    return !compiler::lower_step(training, config.platform, options, KeepInOrder()).home_extmem;
  } catch (const UserError&) {
    return false;
  }
}

constexpr Bytes kPricedL2{2u << 20};

PlatformConfig with_l2(PlatformConfig platform, Bytes size) {
  platform.l2.size = size;
  return platform;
}

double count(Cycle cycles) { return static_cast<double>(cycles.raw()); }

}  // namespace

StepReference::StepReference(const TrainingGraph& training, const RootConfig& config,
                             const StepMeter& meter)
    : config_(config),
      timing_(config_.platform),
      priced_(with_l2(config.platform, kPricedL2)),
      prices_(priced_, config_.energy) {
  RootConfig large = config;
  large.platform.l2.size = kLargestL2;
  compiler::LowerOptions options{large.schedule, WorkloadConfig::Home::kL2, large.tiling,
                                 large.train.precision};
  modelled_in_l2_ =
      count(compiler::lower_step(training, large.platform, options, KeepInOrder()).modelled_cycles);
  if (!meter) {
    return;
  }
  if (!is_near(training, config)) {
    options.home = WorkloadConfig::Home::kExtmem;  // so that page transfers are measured, too
  }
  Program program = compiler::lower_step(training, large.platform, options, KeepInOrder());
  const StepWork work = work_of(program, config.platform, timing_);
  const Cycle modelled = program.modelled_cycles;
  const Plan plan(std::move(large), std::move(program));
  const MeasuredPass pass = meter(plan);
  const double measured = count(pass.activity.cycles);
  beyond_model_ = measured - count(modelled);
  prices_.calibrate(work, pass.activity);
  times_.emplace(plan.program(), pass.spans, config_.platform, timing_);
  measured_of_replayed_ = measured / std::max(1.0, replayed(plan.program()));
}

double StepReference::cycles_in_l2() const {
  return std::max(1.0, modelled_in_l2_ + beyond_model_);
}

double StepReference::replayed(const Program& program) const {
  return replay_list(program.tasks, times_->of(program), config_.platform.cluster);
}

Prediction StepReference::predict(const Program& program, Bytes l2) const {
  const double cycles = std::max(
      1.0, times_ ? measured_of_replayed_ * replayed(program) : count(program.modelled_cycles));
  return {Cycle{static_cast<std::uint64_t>(cycles)},
          prices_.joules(work_of(program, config_.platform, timing_)) +
              prices_.static_watts(l2 == kLargestL2 ? config_.platform.l2.size : l2) * cycles /
                  config_.platform.cluster.clock_hz};
}

}  // namespace etude::run
