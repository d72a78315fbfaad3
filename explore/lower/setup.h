// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "sim/config/workload_config.h"
#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// The user's workload: the training graph and the data that it runs on.
class TrainingSetup {
 public:
  /// Builds network, backward pass and update, and reads the files that the configuration names.
  /// Errors: UserError for what cannot be built or read, and 'not available' for methods,
  /// optimisers and precisions that are not built yet.
  TrainingSetup(const WorkloadConfig& workload, const TrainConfig& train);

  const TrainingGraph& training() const { return training_; }
  /// Parameters before the first step.
  StartValues parameters() const;
  /// Fills the inputs of step `step` (from 0) into `values`.
  void inputs(unsigned step, StartValues& values) const;

 private:
  WorkloadConfig workload_;
  TrainConfig train_;
  TrainingGraph training_;
  std::optional<NpzArchive> data_;
  std::optional<NpzArchive> initial_;
};

}  // namespace etude
