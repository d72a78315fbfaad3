// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "workloads/networks/networks.h"
#include "workloads/onnx/declared_input.h"

namespace etude::run {

/// What a user may name of a network, before a method changes its graph.
struct NetworkFacts {
  struct Layer {
    std::string name;  ///< as in /train/layers and /train/freeze
    std::string op;
    std::string block;      ///< its name; empty outside of the blocks
    bool adapters = false;  ///< whether /train/layers may name it: a matrix in a block
    std::vector<TensorId> parameters;
  };
  std::vector<DeclaredInput> inputs;  ///< of a file
  std::vector<TensorId> outputs;
  std::vector<Layer> layers;  ///< in order of the graph: every parameter is in one
  std::vector<std::string> blocks;
};

/// Collects them. Parameters of no product (norms, embeddings) are layers by their own names.
NetworkFacts network_facts(const Network& network, const std::vector<DeclaredInput>& inputs,
                           const std::vector<TensorId>& outputs);

/// {"inputs", "outputs": [{"name", "type", "shape" [, "symbols"]}], "layers": [{"name", "op",
/// "block", "adapters", "parameters": [{"name", "shape", "trainable"}]}], "blocks": [names]};
/// inputs and what is trained as in the graph of the step.
nlohmann::ordered_json network_json(const NetworkFacts& facts, const Graph& graph);

}  // namespace etude::run
