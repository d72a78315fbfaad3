// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// A network with its loss, before the backward pass. Every parameter is trainable.
struct Network {
  Graph graph;
  std::vector<TensorId> inputs;  ///< what the user's data fills, in order
  TensorId output{};
};

/// A multilayer perceptron: layers "fc<i>" with weight [in,out] and bias [out], ReLU behind all but
/// the last, and a mean-squared-error loss. `autoencoder`: the target is the input itself; else a
/// second input "target". `sizes` are the features of each layer, input first.
/// Errors: UserError for fewer than two sizes, a size of 0, or a batch of 0.
Network make_mlp(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch,
                 bool autoencoder);

/// A built-in network by its name in the configuration: "deep_ae" (MLPerf Tiny's anomaly detector,
/// 640-128x4-8-128x4-640, autoencoder) or "mlp" (of `sizes`; target = second input, or the input
/// itself when first and last size are equal). Errors: UserError for an unknown name.
Network make_network(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch);

}  // namespace etude
