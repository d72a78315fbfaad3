// SPDX-License-Identifier: Apache-2.0
#include "workloads/graph/graph.h"

#include <algorithm>
#include <set>

#include "models/base/error.h"
#include "workloads/ops/op_rules.h"

namespace etude {

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::kForward:
      return "forward";
    case Phase::kBackward:
      return "backward";
    case Phase::kRecompute:
      return "recompute";
    case Phase::kUpdate:
      return "update";
  }
  return "";
}

const char* name_of(OpType type) { return names_of(type).name; }

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

std::uint64_t Tensor::elements() const {
  std::uint64_t n = 1;
  for (auto extent : shape) {
    n *= extent;
  }
  return n;
}

std::int64_t Node::integer(const std::string& key, std::int64_t otherwise) const {
  const auto found = attributes.find(key);
  const auto* value =
      found == attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return value != nullptr ? *value : otherwise;
}

double Node::real(const std::string& key, double otherwise) const {
  const auto found = attributes.find(key);
  const auto* value = found == attributes.end() ? nullptr : std::get_if<double>(&found->second);
  return value != nullptr ? *value : otherwise;
}

std::string Node::text(const std::string& key, const std::string& otherwise) const {
  const auto found = attributes.find(key);
  const auto* value =
      found == attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
  return value != nullptr ? *value : otherwise;
}

std::vector<std::int64_t> Node::integers(const std::string& key,
                                         const std::vector<std::int64_t>& otherwise) const {
  const auto found = attributes.find(key);
  const auto* value =
      found == attributes.end() ? nullptr : std::get_if<std::vector<std::int64_t>>(&found->second);
  return value != nullptr ? *value : otherwise;
}

TensorId Graph::add_tensor(Tensor tensor) {
  if (tensor.name.empty() || by_name_.contains(tensor.name)) {
    throw UserError("graph '" + name + "'",
                    "tensor name '" + tensor.name + "' is empty or repeated",
                    "give every tensor its own name");
  }
  const auto id = static_cast<TensorId>(tensors_.size());
  by_name_[tensor.name] = id;
  tensors_.push_back(std::move(tensor));
  producers_.emplace_back();
  return id;
}

NodeId Graph::add_node(Node node) {
  const auto id = static_cast<NodeId>(nodes_.size());
  for (TensorId output : node.outputs) {
    if (producers_.at(output)) {
      throw UserError("node '" + node.name + "'",
                      "its output '" + tensor(output).name + "' is made by '" +
                          nodes_[*producers_[output]].name + "' as well",
                      "every tensor has one producer");
    }
    producers_[output] = id;
  }
  nodes_.push_back(std::move(node));
  return id;
}

NodeId Graph::add(Node node, const std::vector<std::pair<std::string, TensorKind>>& outputs) {
  for (const auto& [output, kind] : outputs) {
    Tensor made;
    made.name = output;
    made.kind = kind;
    node.outputs.push_back(add_tensor(std::move(made)));
  }
  const auto id = add_node(std::move(node));
  rules_of(nodes_[id].op).infer(*this, nodes_[id]);
  return id;
}

std::optional<TensorId> Graph::find(const std::string& tensor_name) const {
  const auto found = by_name_.find(tensor_name);
  return found == by_name_.end() ? std::nullopt : std::optional<TensorId>(found->second);
}

std::optional<NodeId> Graph::producer(TensorId id) const { return producers_.at(id); }

std::vector<NodeId> Graph::consumers(TensorId id) const {
  std::vector<NodeId> found;
  for (NodeId n = 0; n < nodes_.size(); ++n) {
    if (std::ranges::count(nodes_[n].inputs, id) > 0) {
      found.push_back(n);
    }
  }
  return found;
}

void Graph::remove_nodes(const std::set<NodeId>& gone) {
  std::vector<Node> kept;
  std::ranges::fill(producers_, std::nullopt);
  for (NodeId n = 0; n < nodes_.size(); ++n) {
    if (gone.contains(n)) {
      continue;
    }
    for (TensorId output : nodes_[n].outputs) {
      producers_[output] = static_cast<NodeId>(kept.size());
    }
    kept.push_back(std::move(nodes_[n]));
  }
  nodes_ = std::move(kept);
}

void Graph::redirect(TensorId from, TensorId to, NodeId except) {
  for (NodeId n = 0; n < nodes_.size(); ++n) {
    if (n != except) {
      std::ranges::replace(nodes_[n].inputs, from, to);
    }
  }
}

TensorId Graph::loss() const {
  std::optional<TensorId> found;
  for (TensorId id = 0; id < tensors_.size(); ++id) {
    if (tensors_[id].kind == TensorKind::kLoss) {
      if (found) {
        throw UserError(
            "graph '" + name + "'",
            "has two losses, '" + tensor(*found).name + "' and '" + tensor(id).name + "'",
            "one is allowed");
      }
      found = id;
    }
  }
  if (!found) {
    throw UserError("graph '" + name + "'", "has no loss", "training needs one");
  }
  return *found;
}

std::vector<NodeId> Graph::topological_order() const {
  std::vector<unsigned> missing(nodes_.size(), 0);
  std::vector<std::vector<NodeId>> readers(nodes_.size());
  for (NodeId n = 0; n < nodes_.size(); ++n) {
    std::set<NodeId> makers;
    for (TensorId input : nodes_[n].inputs) {
      if (const auto maker = producers_.at(input)) {
        makers.insert(*maker);
      }
    }
    missing[n] = static_cast<unsigned>(makers.size());
    for (NodeId maker : makers) {
      readers[maker].push_back(n);
    }
  }
  std::set<NodeId> ready;  // the lowest index first: order of addition where it is free
  for (NodeId n = 0; n < nodes_.size(); ++n) {
    if (missing[n] == 0) {
      ready.insert(n);
    }
  }
  std::vector<NodeId> order;
  while (!ready.empty()) {
    const NodeId n = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(n);
    for (NodeId reader : readers[n]) {
      if (--missing[reader] == 0) {
        ready.insert(reader);
      }
    }
  }
  if (order.size() != nodes_.size()) {
    const auto stuck = std::ranges::find_if(missing, [](unsigned m) { return m > 0; });
    throw UserError("graph '" + name + "'",
                    "node '" + nodes_[static_cast<std::size_t>(stuck - missing.begin())].name +
                        "' waits for its own result",
                    "a graph has no cycles");
  }
  return order;
}

void Graph::infer_shapes() {
  for (NodeId n : topological_order()) {
    rules_of(nodes_[n].op).infer(*this, nodes_[n]);
  }
}

void Graph::validate() const {
  for (const Node& node : nodes_) {
    for (TensorId input : node.inputs) {
      const Tensor& read = tensor(input);
      const bool given = read.kind == TensorKind::kInput || read.kind == TensorKind::kParameter ||
                         read.kind == TensorKind::kState;
      if (!producers_.at(input) && !given) {
        throw UserError("node '" + node.name + "'", "nothing makes its input '" + read.name + "'",
                        "make it by a node, or let it be an input or a parameter");
      }
    }
  }
  for (const Tensor& each : tensors_) {
    if (each.elements() == 0) {
      throw UserError("tensor '" + each.name + "'", "has the empty shape " + to_string(each.shape),
                      "every extent is at least 1");
    }
  }
  Graph copy = *this;  // inference checks as it goes
  copy.infer_shapes();
}

}  // namespace etude
