// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/scheduled_step.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "models/base/error.h"

namespace etude::compiler {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& instead) {
  throw UserError("/schedule", what, instead);
}

std::string name_at(const Step& step, Slot slot) {
  return "operator '" + step.graph().node(step.operators[slot].node).name + "' (slot " +
         std::to_string(slot) + ")";
}

/// Writes the graph of a step anew, with copies of the operators that run again.
class Copier {
 public:
  explicit Copier(const Step& step) : step_(step), from_(step.graph()) {
    for (TensorId id = 0; id < from_.tensors().size(); ++id) {
      of_base_[step.storage.base(id)].push_back(id);
      now_.push_back(id);
    }
    for (NodeId n = 0; n < from_.nodes().size(); ++n) {
      const Node& node = from_.node(n);
      if (step.storage.free(n)) {
        views_of_[step.storage.base(node.outputs[0])].push_back(n);
      } else if (node.op == OpType::kRelu && step.pooled_relu(node.outputs[0]) == n) {
        pooled_of_[step.storage.base(node.inputs[0])].push_back(n);
      }
    }
    copy_.storage = step.storage;
    copy_.origins = now_;
    nodes_ = from_.nodes();
    tensors_ = from_.tensors();
    for (const Tensor& tensor : tensors_) {
      names_.insert(tensor.name);
    }
    for (const Node& node : nodes_) {
      names_.insert(kNode + node.name);
    }
  }

  /// The operator of `slot`, again, reads and makes what is current from now on.
  void run_again(Slot slot) {
    const std::vector<NodeId> members = step_.operators[slot].nodes();
    std::set<TensorId> bases;
    for (NodeId member : members) {
      for (TensorId output : from_.node(member).outputs) {
        bases.insert(step_.storage.base(output));
      }
    }
    std::vector<NodeId> again = members;
    // Maxima that read what a ReLU makes of this read this itself (see pooled_relu()).
    for (const TensorId base : std::set<TensorId>(bases)) {
      for (const NodeId relu : pooled_of_[base]) {
        again.push_back(relu);
        bases.insert(step_.storage.base(from_.node(relu).outputs[0]));
      }
    }
    std::vector<TensorId> made = now_;
    for (TensorId base : bases) {
      const auto own = static_cast<TensorId>(tensors_.size());
      const auto& all = of_base_.at(base);
      const auto at = std::ranges::find(all, base) - all.begin();
      for (TensorId id : all) {
        made[id] = static_cast<TensorId>(tensors_.size());
        add_tensor(id, own + static_cast<TensorId>(at));
      }
      const auto& views = views_of_[base];
      again.insert(again.end(), views.begin(), views.end());
      versions_[base].push_back(made[base]);
    }
    std::map<NodeId, NodeId> copies;
    for (NodeId node : again) {
      copies[node] = add_node(node, made);
    }
    copy_.operators.push_back(renumbered(step_.operators[slot], copies));
    now_ = std::move(made);
  }

  /// The operator of `slot`, as it was, but for what it reads.
  void run(Slot slot) {
    const Operator& op = step_.operators[slot];
    copy_.operators.push_back(op);
    for (NodeId member : op.nodes()) {
      for (TensorId& input : nodes_[member].inputs) {
        input = now_[input];
      }
    }
  }

  StepCopy finish() {
    copy_.training = step_.training;
    Graph& graph = copy_.training.graph;
    graph = {};
    graph.name = from_.name;
    for (Tensor& tensor : tensors_) {
      graph.add_tensor(std::move(tensor));
    }
    for (Node& node : nodes_) {
      graph.add_node(std::move(node));
    }
    return std::move(copy_);
  }

  std::uint32_t operators() const { return static_cast<std::uint32_t>(copy_.operators.size()); }
  /// The tensors that stand for a storage, one after the other.
  std::vector<TensorId> versions(TensorId base) const {
    std::vector<TensorId> all{base};
    if (const auto found = versions_.find(base); found != versions_.end()) {
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
    return all;
  }

 private:
  /// In front of a node's name among names: tensors may have the same.
  static inline const std::string kNode = "node ";

  std::string free_name(const std::string& of) {
    std::string name = of + ".recompute";
    for (unsigned i = 2; !names_.insert(name).second; ++i) {
      name = of + ".recompute" + std::to_string(i);
    }
    return name;
  }

  void add_tensor(TensorId of, TensorId base) {
    Tensor tensor = from_.tensor(of);
    tensor.name = free_name(tensor.name);
    tensors_.push_back(std::move(tensor));
    copy_.storage.append_copy(of, base);
    copy_.origins.push_back(of);
  }

  NodeId add_node(NodeId of, const std::vector<TensorId>& made) {
    Node node = from_.node(of);
    node.name = free_name(kNode + node.name).substr(kNode.size());
    node.phase = Phase::kRecompute;
    for (auto* list : {&node.inputs, &node.outputs}) {
      for (TensorId& tensor : *list) {
        tensor = made[tensor];
      }
    }
    nodes_.push_back(std::move(node));
    copy_.storage.append_node(of);
    return static_cast<NodeId>(nodes_.size() - 1);
  }

  static Operator renumbered(Operator op, const std::map<NodeId, NodeId>& copies) {
    op.node = copies.at(op.node);
    for (auto* member :
         {&op.scale, &op.affine, &op.add, &op.row, &op.relu, &op.relu_grad, &op.input_grad,
          &op.weight_grad, &op.sgd, &op.bias_sum, &op.bias_sgd, &op.loss, &op.loss_grad}) {
      if (*member) {
        *member = copies.at(**member);
      }
    }
    return op;
  }

  const Step& step_;
  const Graph& from_;
  std::map<TensorId, std::vector<TensorId>> of_base_, versions_;
  std::map<TensorId, std::vector<NodeId>> views_of_;
  std::map<TensorId, std::vector<NodeId>> pooled_of_;  ///< ReLUs that run with maxima, by input
  std::vector<Node> nodes_;
  std::vector<Tensor> tensors_;
  std::set<std::string> names_;
  std::vector<TensorId> now_;  ///< for each tensor of the step the one that stands for it
  StepCopy copy_;
};

void check_recompute(const Step& step, const Recompute& again) {
  if (again.before >= step.operators.size() || again.slot >= again.before) {
    refuse("runs slot " + std::to_string(again.slot) + " again in front of slot " +
               std::to_string(again.before) + ", and the step has " +
               std::to_string(step.operators.size()),
           "an operator runs again in front of a later one");
  }
  if (!runs_again(step, again.slot)) {
    refuse("runs " + name_at(step, again.slot) + " again",
           "forward operators without a loss may run again");
  }
  const Slot limit = recompute_limit(step, again.slot);
  if (again.before > limit) {
    refuse("runs " + name_at(step, again.slot) + " again behind " + name_at(step, limit) +
               ", which updates what it reads",
           "run it again in front of that one");
  }
}

void check_page(const Step& step, const PageWindow& page) {
  const Graph& graph = step.graph();
  if (page.tensor >= graph.tensors().size() || step.storage.base(page.tensor) != page.tensor ||
      graph.tensor(page.tensor).kind == TensorKind::kLoss) {
    refuse("pages tensor " + std::to_string(page.tensor) + ", which has no storage of its own",
           "name the base of a storage that is not the loss");
  }
  const bool window = page.first <= page.last || page.first == page.last + 1;
  if (!window || std::max(page.first, page.last) >= step.operators.size()) {
    refuse("pages '" + graph.tensor(page.tensor).name + "' from slot " +
               std::to_string(page.first) + " to slot " + std::to_string(page.last) +
               ", and the step has " + std::to_string(step.operators.size()),
           "a transfer has whole slots of the step, or a point between two of them");
  }
}

}  // namespace

bool runs_again(const Step& step, Slot slot) {
  return std::ranges::all_of(step.operators[slot].nodes(), [&](NodeId member) {
    const Node& node = step.graph().node(member);
    return node.phase == Phase::kForward && std::ranges::all_of(node.outputs, [&](TensorId output) {
             const Tensor& tensor = step.tensor(output);
             return tensor.kind == TensorKind::kActivation && !tensor.alias_of;
           });
  });
}

Slot recompute_limit(const Step& step, Slot slot) {
  std::set<TensorId> read;
  for (NodeId member : step.operators[slot].nodes()) {
    for (TensorId input : step.graph().node(member).inputs) {
      read.insert(step.storage.base(input));
    }
  }
  const auto slots = static_cast<Slot>(step.operators.size());
  for (Slot later = slot + 1; later < slots; ++later) {
    for (NodeId member : step.operators[later].nodes()) {
      for (TensorId output : step.graph().node(member).outputs) {
        if (step.tensor(output).alias_of && read.contains(step.storage.base(output))) {
          return later;
        }
      }
    }
  }
  return slots;
}

ScheduledStep carry_out(const Step& step, const Schedule& schedule) {
  std::vector<std::set<Slot>> again(step.operators.size());
  for (const Recompute& recompute : schedule.recomputes) {
    check_recompute(step, recompute);
    again[recompute.before].insert(recompute.slot);
  }
  std::map<TensorId, std::vector<PageWindow>> windows;
  for (const PageWindow& page : schedule.pages) {
    check_page(step, page);
    windows[page.tensor].push_back(page);
  }
  Copier copier(step);
  std::vector<std::uint32_t> begins, places;  // of the slots among the operators
  for (Slot slot = 0; slot < step.operators.size(); ++slot) {
    begins.push_back(copier.operators());
    for (const Slot earlier : again[slot]) {
      copier.run_again(earlier);
    }
    places.push_back(copier.operators());
    copier.run(slot);
  }
  ScheduledStep made;
  for (auto& [tensor, all] : windows) {
    for (PageWindow& page : all) {
      page.first = begins[page.first];
      page.last = places[page.last];
    }
    std::ranges::stable_sort(all, {}, [](const PageWindow& page) { return page.first; });
    const TensorKind kind = step.tensor(tensor).kind;
    const bool at_home =
        kind == TensorKind::kInput || kind == TensorKind::kParameter || kind == TensorKind::kState;
    if (!at_home && !all.front().out) {
      refuse("pages '" + step.tensor(tensor).name + "' in that never went out",
             "page it out in front of that");
    }
    made.paged.push_back({copier.versions(tensor), std::move(all), schedule.to_flash && !at_home});
  }
  made.step = std::make_unique<const Step>(step, copier.finish());
  return made;
}

}  // namespace etude::compiler
