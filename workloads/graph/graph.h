// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "models/base/element_type.h"
#include "workloads/graph/operator_list.h"

namespace etude {

using TensorId = std::uint32_t;
using NodeId = std::uint32_t;
/// Extents, outermost first; empty for a scalar.
using Shape = std::vector<std::uint64_t>;

/// What a tensor is to the training step.
/// kState: what an optimiser keeps from step to step (momentum); stored like a parameter.
enum class TensorKind { kInput, kParameter, kActivation, kGradient, kLoss, kState };

/// The part of the training step that a node belongs to.
enum class Phase { kForward, kBackward, kRecompute, kUpdate };
const char* name_of(Phase phase);

/// The name of an operator in result.json.
const char* name_of(OpType type);

/// A value of a node's attribute.
using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>>;
using Attributes = std::map<std::string, Attribute>;

/// A value that flows between nodes. Nothing here says where it is stored.
struct Tensor {
  std::string name;
  Shape shape;
  DType dtype = DType::kFloat32;
  TensorKind kind = TensorKind::kActivation;
  bool trainable = false;  ///< parameters: gets a gradient and an update
  bool constant = false;   ///< stored like a parameter, but part of the graph: never trained, not
                           ///< counted, in no archive
  std::optional<TensorId>
      alias_of;               ///< the tensor whose storage it takes over (updated parameters)
  std::optional<float> fill;  ///< parameters that start as a constant (1 of a norm, 0 of LoRA's B)

  std::uint64_t elements() const;
  std::uint64_t bytes() const { return elements() * bytes_of(dtype); }
};

/// One application of an operator.
struct Node {
  std::string name;
  OpType op = OpType::kGemm;
  Phase phase = Phase::kForward;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  Attributes attributes;

  /// The attribute, or `otherwise` when it is absent or of another type.
  std::int64_t integer(const std::string& key, std::int64_t otherwise = 0) const;
  double real(const std::string& key, double otherwise = 0) const;
  std::string text(const std::string& key, const std::string& otherwise = "") const;
  std::vector<std::int64_t> integers(const std::string& key,
                                     const std::vector<std::int64_t>& otherwise = {}) const;
};

/// A training or inference graph: tensors and nodes by index. Nodes may be added in any order.
class Graph {
 public:
  std::string name;

  /// Adds a tensor. Errors: UserError for an empty or repeated name.
  TensorId add_tensor(Tensor tensor);
  /// Adds a node whose tensors exist. Errors: UserError when an output has a producer already.
  NodeId add_node(Node node);
  /// Adds a node with new output tensors (name and kind each) and infers their shapes.
  NodeId add(Node node, const std::vector<std::pair<std::string, TensorKind>>& outputs);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  Tensor& tensor(TensorId id) { return tensors_.at(id); }
  const Tensor& tensor(TensorId id) const { return tensors_.at(id); }
  const Node& node(NodeId id) const { return nodes_.at(id); }
  /// A node whose attributes may be changed; inputs and outputs stay as they are.
  Attributes& attributes(NodeId id) { return nodes_.at(id).attributes; }
  std::optional<TensorId> find(const std::string& tensor_name) const;
  /// The node that makes a tensor, if any does.
  std::optional<NodeId> producer(TensorId id) const;
  /// The nodes that read a tensor, in order of addition.
  std::vector<NodeId> consumers(TensorId id) const;

  /// Takes nodes out that nothing reads. Their tensors keep their numbers; other nodes move up.
  void remove_nodes(const std::set<NodeId>& gone);

  /// Lets every reader of `from`, except the node `except`, read `to` instead.
  void redirect(TensorId from, TensorId to, NodeId except);

  /// The graph's loss tensor. Errors: UserError when there is none, or more than one.
  TensorId loss() const;

  /// Nodes so that each stands behind the producers of its inputs, otherwise in order of addition.
  /// Errors: UserError naming a node on a cycle.
  std::vector<NodeId> topological_order() const;
  /// Fills the shapes of all node outputs. Errors: UserError naming node, tensors and shapes.
  void infer_shapes();
  /// Checks that every tensor that is read is made or is an input or parameter, that shapes agree,
  /// and that the graph has no cycle. Errors: UserError.
  void validate() const;

 private:
  std::vector<Tensor> tensors_;
  std::vector<Node> nodes_;
  std::map<std::string, TensorId> by_name_;
  std::vector<std::optional<NodeId>> producers_;
};

/// "[24,640]".
std::string to_string(const Shape& shape);

}  // namespace etude
