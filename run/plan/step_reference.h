// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/cost/cost_model.h"
#include "program/program.h"
#include "run/plan/measured_times.h"
#include "run/plan/step_meter.h"
#include "run/plan/step_work.h"
#include "sim/config/root_config.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// Room for every step that a task list can have: all of L2's addresses.
inline constexpr Bytes kLargestL2{256u << 20};

/// What a program is expected to take in one pass.
struct Prediction {
  Cycle cycles;
  double joules = 0;  ///< in all
};

/// The step that keeps everything, in an L2 with room for it (parameters at home in HyperRAM, but
/// where /workload/home, or what fits without a budget, says L2): what its model says, and what a
/// run of it took. Programs of the same step are predicted from the latter: cycles by a replay of
/// their task list (replay_list()) with what the same operations took in that run, in the
/// proportion that makes the run of what this says of it; energy by WorkPrices. Without a meter by
/// the models alone.
class StepReference {
 public:
  /// Lowers the step (two or three times), and runs it once if there is a meter. Errors: as
  /// lower_step(), and the meter's.
  StepReference(const TrainingGraph& training, const RootConfig& config, const StepMeter& meter);

  /// Cycles of the step with everything at home in L2.
  double cycles_in_l2() const;
  /// With the leakage of an L2 of this size; of kLargestL2: of the configuration's.
  Prediction predict(const Program& program, Bytes l2) const;
  const WorkPrices& prices() const { return prices_; }

  StepReference(const StepReference&) = delete;  // its prices refer to its configuration
  StepReference& operator=(const StepReference&) = delete;

 private:
  double replayed(const Program& program) const;

  RootConfig config_;
  compiler::CostModel timing_;
  /// With an L2 of one size for all: prices, and what is solved with them, have the same bits
  /// whatever L2 the question is put for.
  PlatformConfig priced_;
  WorkPrices prices_;
  double modelled_in_l2_ = 0;
  double beyond_model_ = 0;  ///< cycles that the run took more than was modelled
  std::optional<MeasuredTimes> times_;
  double measured_of_replayed_ = 1;  ///< cycles of the step that was run
};

}  // namespace etude::run
