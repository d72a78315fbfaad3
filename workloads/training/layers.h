// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// A forward product with a matrix, or a convolution with filters, and what is added to it: what
/// users name, and methods take or leave.
struct NetworkLayer {
  std::string name;
  std::string block;                 ///< block_of_layer(name)
  std::vector<TensorId> parameters;  ///< matrix or filters first, biases behind
  std::vector<NodeId> products;      ///< nodes that read the matrix: more than one share it
  bool linear = false;               ///< a product with one matrix, which adapters can be added to
};

/// The layers in order of the graph. A name comes from the matrix's, else from the bias's, else
/// from the path of modules of the node (`scopes`, by node; empty: in the node's name), else it is
/// the node's; equal ones get _2, _3... A matrix that is transposed or reshaped on its way is the
/// layer's all the same, and the sum with a parameter behind a product belongs to its layer.
std::vector<NetworkLayer> find_layers(const Graph& graph,
                                      const std::vector<std::string>& scopes = {});

/// Whether a product sees its parameter transposed (transB, Transpose nodes).
bool sees_transposed(const Graph& graph, NodeId product);

/// The layers that a user names in /train/layers: by the ends of their names (names_layer()), or
/// where there is none, by the whole name of a node of theirs.
std::vector<const NetworkLayer*> layers_called(const Graph& graph,
                                               const std::vector<NetworkLayer>& layers,
                                               const std::string& written);

struct Network;

/// Finds blocks, head and probe of a network from elsewhere: layers whose names have the same
/// block_of_layer() are one block, those behind the last block are the head; without such names
/// every layer is a block.
void find_blocks(Network& network, const std::vector<std::string>& scopes = {});

}  // namespace etude
