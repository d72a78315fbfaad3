// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "program/program.h"
#include "run/plan/workload.h"
#include "sim/config/root_config.h"
#include "sim/engine/job.h"
#include "sim/report/facts.h"
#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// Everything about a training run that stands before it is simulated: graph, program, numbers.
class TrainingSetup {
 public:
  /// Builds the graph, lowers it and reads the user's arrays.
  /// Errors: UserError for what the user gave, also for what is not available.
  explicit TrainingSetup(const RootConfig& config);

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
  /// What the host changes in the task list before a pass (from 0): the updates' rates of it.
  std::vector<MemoryImage> rate_images(unsigned pass) const;
  /// The operations of the task list.
  std::vector<std::uint32_t> op_layers() const;
  RunFacts facts() const;
  /// What each operation of the task list does, in a few words: "wait redmule", "kernel gemm".
  std::vector<std::string> op_names() const;

  /// The job without callbacks: runtime, boot block, task list, parameters, first batch, probes
  /// (tag = index in the program's list). Errors: UserError if the runtime is not built.
  Job job() const;

 private:
  const RootConfig& config_;
  Workload workload_;
  Program program_;
  StartValues start_;
  std::unique_ptr<NpzArchive> inputs_;
};

}  // namespace etude
