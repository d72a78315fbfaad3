// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/operator_order.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace etude::compiler {

namespace {

class Orderer {
 public:
  Orderer(const Graph& graph, const StoragePlan& storage, std::vector<Operator> operators,
          bool early_updates)
      : graph_(graph),
        storage_(storage),
        operators_(std::move(operators)),
        early_updates_(early_updates) {}

  /// The lowest number first where it is free.
  std::vector<Operator> run() const {
    const auto before = waits();
    std::vector<Operator> order;
    std::vector<bool> done(operators_.size(), false);
    while (order.size() < operators_.size()) {
      const std::size_t was = order.size();
      // An update that is early as soon as it may be: its gradient need not wait in L2 to the end.
      for (const bool update : {true, false}) {
        for (std::size_t i = 0; i < operators_.size() && order.size() == was; ++i) {
          const bool ready = !done[i] && (!update || is_early(operators_[i])) &&
                             std::ranges::all_of(before[i], [&](std::size_t b) { return done[b]; });
          if (ready) {
            order.push_back(operators_[i]);
            done[i] = true;
          }
        }
      }
      if (order.size() == was) {
        throw std::logic_error("operators wait for each other");
      }
    }
    return order;
  }

 private:
  /// The node whose operation writes a tensor.
  std::optional<NodeId> maker_of(TensorId tensor) const {
    auto maker = graph_.producer(tensor);
    while (maker && storage_.free(*maker)) {
      maker = graph_.producer(graph_.node(*maker).inputs[0]);
    }
    return maker;
  }

  /// Nodes with an operation that read any tensor of a storage (but what an update leaves there).
  std::vector<NodeId> readers_of_storage(TensorId base) const {
    std::vector<NodeId> found;
    for (NodeId n = 0; n < graph_.nodes().size(); ++n) {
      if (!storage_.free(n)) {
        for (TensorId input : graph_.node(n).inputs) {
          if (storage_.base(input) == base && !graph_.tensor(input).alias_of) {
            found.push_back(n);
          }
        }
      }
    }
    return found;
  }

  /// The operators that each waits for.
  std::vector<std::set<std::size_t>> waits() const {
    std::map<NodeId, std::size_t> home;
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      for (NodeId member : operators_[i].nodes()) {
        home[member] = i;
      }
    }
    std::vector<std::set<std::size_t>> before(operators_.size());
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      for (NodeId member : operators_[i].nodes()) {
        const Node& node = graph_.node(member);
        for (TensorId input : node.inputs) {
          if (const auto maker = maker_of(input)) {
            before[i].insert(home.at(*maker));
          }
        }
        for (TensorId output : node.outputs) {
          if (const auto old = graph_.tensor(output).alias_of) {
            // every reader of the old value comes first
            for (NodeId reader : readers_of_storage(storage_.base(*old))) {
              before[i].insert(home.at(reader));
            }
          }
        }
      }
      before[i].erase(i);
    }
    return before;
  }

  bool is_early(const Operator& op) const {
    const OpType type = graph_.node(op.node).op;
    return type == OpType::kMomentum || type == OpType::kAdam ||
           (early_updates_ && type == OpType::kSgd);
  }

  const Graph& graph_;
  const StoragePlan& storage_;
  std::vector<Operator> operators_;
  bool early_updates_;
};

}  // namespace

std::vector<Operator> in_order(const Graph& graph, const StoragePlan& storage,
                               std::vector<Operator> operators, bool early_updates) {
  return Orderer(graph, storage, std::move(operators), early_updates).run();
}

}  // namespace etude::compiler
