// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "workloads/graph/graph.h"

namespace etude {

/// Which gradient belongs to which tensor after add_backward().
using GradientMap = std::map<TensorId, TensorId>;

/// Adds the nodes of the backward pass (reverse mode) behind the forward graph: after it, every
/// trainable parameter that the loss depends on has a gradient tensor named "<parameter>.grad".
/// Only tensors on a path from a trainable parameter to the loss get gradients.
/// Errors: UserError when there is no loss, or an operator on such a path has no gradient, or has
/// none for a result that is used.
GradientMap add_backward(Graph& graph);

/// What an operator's gradient rule may ask and add.
class GradientBuilder {
 public:
  /// `loss`: what gradients are of.
  GradientBuilder(Graph& graph, std::set<TensorId> wanted, TensorId loss);

  const Graph& graph() const { return graph_; }
  /// Whether a trainable parameter hangs on this tensor.
  bool wants(TensorId tensor) const { return wanted_.contains(tensor); }
  /// The complete gradient of a tensor whose consumers have all been visited; of the loss itself a
  /// constant 1.
  TensorId gradient_of(TensorId tensor);
  /// Adds `node` (inputs and attributes given); its output is a contribution to the gradient of
  /// `tensor`.
  void contribute(TensorId tensor, Node node);
  /// contribute() by a loss operator: `node` is the gradient of its result `loss`, which counts as
  /// much as that result does in the loss of the graph.
  void contribute_of_loss(TensorId tensor, TensorId loss, Node node);
  /// Adds a node on the way to a contribution; its output is a tensor of that name.
  TensorId emit(const std::string& name, Node node);
  /// The name that the next contribution to the gradient of `tensor` shall have, for rules that
  /// emit() it themselves and pass() it (nodes with several outputs).
  std::string contribution_name(TensorId tensor);
  /// Adds a node of the backward pass whose outputs have these names.
  NodeId emit(Node node, const std::vector<std::string>& outputs);
  /// An existing tensor is a contribution as it stands.
  void pass(TensorId tensor, TensorId gradient);
  /// `gradient` is a contribution to the elements of `tensor` that a Slice with these attributes
  /// takes. Pieces of one tensor that lie one behind the other are joined when its gradient is
  /// complete; what no piece reaches is 0.
  void place(TensorId tensor, TensorId gradient, std::vector<std::int64_t> starts,
             std::vector<std::int64_t> steps);
  bool has_gradient(TensorId tensor) const {
    return contributions_.contains(tensor) || pieces_.contains(tensor);
  }

 private:
  /// A part of a gradient: its tensor, and where it begins.
  struct Piece {
    TensorId gradient;
    std::vector<std::int64_t> starts, steps;
  };
  /// Makes contributions of all pieces of a tensor.
  void join_pieces(TensorId tensor);
  std::vector<std::vector<Piece>> runs_of(TensorId tensor, std::size_t* axis) const;
  void contribute_padded(TensorId tensor, const Piece& piece, const std::string& name);

  Graph& graph_;
  std::set<TensorId> wanted_;
  TensorId loss_;
  std::map<TensorId, std::vector<TensorId>> contributions_;
  std::map<TensorId, std::vector<Piece>> pieces_;
  std::map<TensorId, TensorId> complete_;
  std::map<TensorId, unsigned> uses_;  ///< in the forward graph
};

}  // namespace etude
