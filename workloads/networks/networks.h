// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/graph/graph.h"
#include "workloads/training/layers.h"

namespace etude {

/// Matrices (or filters) that training methods take or leave together.
struct Block {
  std::string name;
  std::vector<TensorId> matrices;
};

/// A network with its loss, before the backward pass. Every parameter is trainable, except
/// statistics of batch normalisations.
struct Network {
  Graph graph;
  std::vector<TensorId> inputs;  ///< what the user's data fills, in order
  TensorId output{};
  std::vector<Block> blocks{};         ///< front to back
  std::vector<TensorId> head{};        ///< parameters behind the blocks: trained with the last ones
  std::vector<TensorId> probe{};       ///< parameters of the last layer: what a linear probe trains
  std::vector<NetworkLayer> layers{};  ///< by name; empty until they are looked for
};

/// A multilayer perceptron: layers "fc<i>" with weight [in,out] and bias [out], ReLU behind all but
/// the last, and a mean-squared-error loss. `autoencoder`: the target is the input itself; else a
/// second input "target". `sizes` are the features of each layer, input first.
/// Errors: UserError for fewer than two sizes, a size of 0, or a batch of 0.
Network make_mlp(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch,
                 bool autoencoder);

/// A built-in network by its name in the configuration: "deep_ae" (MLPerf Tiny's anomaly detector,
/// 640-128x4-8-128x4-640, autoencoder), "mlp" (of `sizes`; target = second input, or the input
/// itself when first and last size are equal), "cct2", "cct7" (cct.h), "resnet8", "ds_cnn",
/// "mobilenet_v1_025" (cnn.h) or "bert" (bert.h; `sizes` are its extents).
/// Errors: UserError for an unknown name.
Network make_network(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch);

}  // namespace etude
