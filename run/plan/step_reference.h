// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/cost/cost_model.h"
#include "program/program.h"
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

/// The step that keeps everything, in an L2 with room for it: what its model says, and how far from
/// that a run of it is. Programs of the same step are predicted by both: cycles as modelled and,
/// for each operation, as many more as this step took; energy by WorkPrices. Without a meter by the
/// models alone.
class StepReference {
 public:
  /// Lowers the step (twice), and runs it once if there is a meter. `config` must outlive the
  /// reference. Errors: as lower_step(), and the meter's.
  StepReference(const TrainingGraph& training, const RootConfig& config, const StepMeter& meter);

  /// Cycles of the step with everything at home in L2.
  double cycles_in_l2() const;
  Prediction predict(const Program& program) const;
  const WorkPrices& prices() const { return prices_; }

 private:
  const RootConfig& config_;
  compiler::CostModel timing_;
  WorkPrices prices_;
  double modelled_in_l2_ = 0;
  double beyond_model_ = 0;  ///< cycles that the run took more than was modelled
  double operations_ = 1;    ///< of the step that was run: kernels, jobs and transfers
};

}  // namespace etude::run
