// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_reference.h"

#include <algorithm>
#include <utility>

#include "compiler/lower/lower.h"
#include "compiler/schedule/keep.h"
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

double count(Cycle cycles) { return static_cast<double>(cycles.raw()); }

/// Kernels, jobs and transfers of L1.
double operations_of(const Program& program) {
  return static_cast<double>(std::max<std::size_t>(1, count_of<KernelCall>(program.tasks) +
                                                          count_of<MatrixJob>(program.tasks) +
                                                          count_of<Transfer>(program.tasks)));
}

}  // namespace

StepReference::StepReference(const TrainingGraph& training, const RootConfig& config,
                             const StepMeter& meter)
    : config_(config), timing_(config.platform), prices_(config.platform, config.energy) {
  RootConfig large = config;
  large.platform.l2.size = kLargestL2;
  compiler::LowerOptions options{large.schedule, WorkloadConfig::Home::kL2, large.tiling,
                                 large.train.precision};
  modelled_in_l2_ =
      count(compiler::lower_step(training, large.platform, options, KeepInOrder()).modelled_cycles);
  if (!meter) {
    return;
  }
  options.home = WorkloadConfig::Home::kExtmem;  // so that page transfers are measured, too
  Program program = compiler::lower_step(training, large.platform, options, KeepInOrder());
  const StepWork work = work_of(program, config.platform, timing_);
  const Cycle modelled = program.modelled_cycles;
  operations_ = operations_of(program);
  const Activity measured = meter(Plan(std::move(large), std::move(program)));
  beyond_model_ = count(measured.cycles) - count(modelled);
  prices_.calibrate(work, measured);
}

double StepReference::cycles_in_l2() const {
  return std::max(1.0, modelled_in_l2_ + beyond_model_);
}

Prediction StepReference::predict(const Program& program) const {
  const double beyond = beyond_model_ * operations_of(program) / operations_;
  const double cycles = std::max(1.0, count(program.modelled_cycles) + beyond);
  return {Cycle{static_cast<std::uint64_t>(cycles)},
          prices_.joules(work_of(program, config_.platform, timing_)) +
              prices_.static_watts() * cycles / config_.platform.cluster.clock_hz};
}

}  // namespace etude::run
