// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "sim/config/root_config.h"
#include "workloads/npz/npz.h"
#include "workloads/onnx/onnx_import.h"

namespace etude::run {

/// The loss of a graph from a file, for the report.
struct LossChoice {
  std::string name;  ///< a value of /train/loss other than auto
  std::string of;    ///< the tensor that it is of, or that it is
  std::string why;
};

/// Gives an inference graph the loss that /train/loss names, or finds its own. `inputs`: the user's
/// arrays, nullptr if they are drawn. auto takes a loss of the graph's own, else the cross entropy
/// of an output [samples,classes] with the user's labels, never on a guess.
/// Errors: UserError naming /train/loss when the graph, its output or the arrays do not fit.
LossChoice choose_loss(const RootConfig& config, OnnxModel& model, const NpzArchive* inputs);

/// Holds /train/loss to the loss of a built-in network. Errors: UserError for another one.
void check_own_loss(const RootConfig& config, const Graph& graph);

}  // namespace etude::run
