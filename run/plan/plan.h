// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "program/memory_image.h"
#include "program/program.h"
#include "run/plan/plan_memo.h"
#include "run/plan/step_meter.h"
#include "run/plan/workload.h"
#include "sim/config/root_config.h"
#include "sim/report/facts.h"
#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// Everything about a training run that stands before it is simulated: configuration, graph,
/// program, numbers. Needs no SystemC.
class Plan {
 public:
  /// Builds the graph, lowers it and reads the user's arrays. `meter`: runs the step that costs of
  /// schedules are taken from; without it they are modelled.
  /// Errors: UserError for what the user gave, also for what is not available; the meter's.
  /// A batch that no schedule holds is split (split_batch()); the configuration is that of a pass
  /// then.
  explicit Plan(RootConfig config, const StepMeter& meter = {});
  /// The same of a plan that nobody runs: start() may be empty. What it has in common with others
  /// is taken from `memo`, and left there.
  Plan(RootConfig config, const StepMeter& meter, PlanMemo& memo);
  /// The same with a program that was lowered from the configuration's step.
  Plan(RootConfig config, Program program);

  const RootConfig& config() const { return config_; }
  const TrainingGraph& training() const { return workload_.training; }
  /// Graph, parameters, learning rate and names of outputs.
  const Workload& workload() const { return workload_; }
  const Program& program() const { return program_; }
  /// Parameters and the first batch, by tensor.
  const StartValues& start() const { return start_; }
  /// Replaces the inputs in `values` by those of a step.
  void take_inputs_of(unsigned step, StartValues& values) const;
  /// Runs of the task list that make one step: /train/accumulate.
  unsigned passes_per_step() const;
  /// What memory holds before the first pass, besides the runtime: task list, parameters, optimiser
  /// states, inputs, rates.
  std::vector<MemoryImage> images() const;
  /// What the host replaces before a further pass (from 1): inputs of `values`, and the rates.
  std::vector<MemoryImage> images_before(unsigned pass, const StartValues& values) const;
  /// What the report says of the step besides what is measured.
  RunFacts facts() const;

 private:
  struct Decided;
  explicit Plan(Decided decided);
  static Decided decide(RootConfig config, const StepMeter& meter, PlanMemo* memo);
  void take_facts();
  void read_inputs();
  std::vector<MemoryImage> rate_images(unsigned pass) const;

  RootConfig config_;
  Workload workload_;
  std::optional<ScheduleFacts> schedule_;
  Program program_;
  StartValues start_;
  std::unique_ptr<NpzArchive> inputs_;
};

}  // namespace etude::run
