// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "run/plan/loss_choice.h"
#include "run/plan/network_facts.h"
#include "run/plan/packed_base.h"
#include "sim/config/root_config.h"
#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// The training step that a configuration asks for, before anything is known of hardware.
struct Workload {
  TrainingGraph training;
  StartValues parameters;  ///< values that training starts from
  PackedBase packed;       ///< frozen weights that stand packed; their values are the decoded ones
  UpdateOptions update;    ///< a training graph from a file has its own learning rate
  std::string title;
  unsigned batch = 1;  ///< samples per step: /workload/batch, or what an ONNX graph has
  std::map<std::string, std::vector<std::string>> parts;  ///< RootConfig::parts
  /// What outputs.npz names after the file: an ONNX output, and the parameter that it updates, or
  /// itself when it is the loss or a gradient.
  std::vector<std::pair<std::string, TensorId>> outputs;
  std::optional<LossChoice> loss;  ///< of an inference graph from a file
  NetworkFacts network;
  std::vector<std::string> warnings;
};

/// Builds network or ONNX graph, applies /train/method, draws or reads the parameters.
/// Errors: UserError for what does not fit together, also /train/method, rank, layers or lr beside
/// a training graph, which fixes them.
Workload build_workload(const RootConfig& config);

}  // namespace etude::run
