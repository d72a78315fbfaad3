// SPDX-License-Identifier: Apache-2.0
#include "run/plan/file_notes.h"

#include <algorithm>
#include <iterator>

#include "workloads/networks/initial.h"
#include "workloads/training/methods.h"

namespace etude::run {
namespace {

std::string quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += (list.empty() ? "'" : ", '") + name + "'";
  }
  return list;
}

}  // namespace

void note_constants(const OnnxModel& model, std::vector<std::string>& warnings) {
  if (model.dropouts > 0) {
    warnings.push_back(std::to_string(model.dropouts) +
                       (model.dropouts == 1 ? " Dropout node" : " Dropout nodes") +
                       " left in training by the file: nothing is dropped");
  }
  if (!model.shared_weights.empty()) {
    std::string list;
    for (const auto& [name, weight] : model.shared_weights) {
      list += (list.empty() ? "'" : ", '") + name + "' is '" + weight + "'";
    }
    warnings.push_back("weights that the file shares, and that train as one: " + list);
  }
  if (!model.masks.empty()) {
    warnings.push_back("masks of a softmax, which are not trained: " + quoted(model.masks));
  }
  if (!model.folded_numbers.empty()) {
    warnings.push_back("single numbers that went into constants, and are not trained: " +
                       quoted(model.folded_numbers));
  }
  if (!model.numbers.empty()) {
    warnings.push_back("single numbers, which are constants and not trained: " +
                       quoted(model.numbers));
  }
  if (!model.preprocessing.empty()) {
    warnings.push_back("constants, because they meet the data before any layer: " +
                       quoted(model.preprocessing));
  }
  if (!model.constant_weights.empty()) {
    warnings.push_back("weights that are not trained, because they are Constant nodes: " +
                       quoted(model.constant_weights));
  }
  if (!model.repeated_weights.empty()) {
    warnings.push_back("weights that the file repeats for each sample, trained as one: " +
                       quoted(model.repeated_weights));
  }
}

std::set<std::string> norms_of_batches(const Graph& graph) {
  std::set<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (node.op == OpType::kBatchNorm && node.integer("training") != 0) {
      names.insert(node.name);
    }
  }
  return names;
}

void note_shared(const Graph& graph, std::vector<std::string>& warnings) {
  std::string list;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const auto readers = graph.consumers(id);
    const auto count = std::ranges::count_if(
        readers, [&](NodeId n) { return graph.node(n).phase == Phase::kForward; });
    if (graph.tensor(id).trainable && count > 1) {
      list += (list.empty() ? "'" : ", '") + graph.tensor(id).name + "' (" + std::to_string(count) +
              " nodes)";
    }
  }
  if (!list.empty()) {
    warnings.push_back(
        "weights that nodes share, and that train as one: " + list +
        "; exporters store equal weights once: export trained or unequal ones if they are apart");
  }
}

void note_changes(const std::set<std::string>& norms, Graph& graph,
                  std::vector<std::string>& warnings) {
  std::vector<std::string> frozen;
  std::ranges::set_difference(norms, norms_of_batches(graph), std::back_inserter(frozen));
  if (!frozen.empty()) {
    warnings.push_back(
        "batch normalisations of a training mode that are frozen, and use their statistics: " +
        quoted(frozen));
  }
  if (const auto unreached = freeze_unreached(graph); !unreached.empty()) {
    warnings.push_back("weights that the loss does not depend on, and that are not trained: " +
                       quoted(unreached));
  }
}

void note_conversion(const std::string& key, const Graph& graph, const NpzArchive& archive,
                     std::vector<std::string>& warnings) {
  if (const std::string members = converted_members(graph, archive); !members.empty()) {
    warnings.push_back(key + ": converted without loss: " + members);
  }
}

}  // namespace etude::run
