// SPDX-License-Identifier: Apache-2.0
// If with a constant condition: the nodes of one branch, in its place.
#include <algorithm>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

void Translator::take_branch(RawNode node) {
  const RawTensor* condition = constant(node, 0);
  if (condition == nullptr || condition->values.size() != 1) {
    reject(node, "has a condition that is computed from data",
           "one that is constant, or follows from shapes, is supported");
  }
  const char* const key = condition->values[0] != 0 ? "then_branch" : "else_branch";
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end()) {
    reject(node, std::string("has no ") + key, "give both branches");
  }
  RawModel branch = *std::get<RawGraph>(found->second);
  check_attributes(branch);
  take_constant_nodes(branch);
  const std::vector<std::size_t> order = sorted_nodes(branch);
  if (branch.outputs.size() != node.outputs.size()) {
    reject(node, "has branches with another number of outputs", "all have as many");
  }
  std::map<std::string, std::string> names = weight_names_;
  std::set<std::string> own;
  const auto name = [&](const std::string& value) {
    if (!value.empty() && own.insert(value).second) {
      names[value] = fresh(node.name + "/" + value);
      reserved_.insert(names[value]);
    }
  };
  for (const auto& [value, held] : branch.constants) {
    name(value);
  }
  for (const RawNode& each : branch.nodes) {
    std::ranges::for_each(each.outputs, name);
  }
  const auto renamed = [&](std::string& value) {
    const auto known = names.find(value);
    value = known == names.end() ? value : known->second;
  };
  for (auto& [value, held] : branch.constants) {
    raw_.constants.emplace(names.at(value), std::move(held));
  }
  const bool forward =
      std::ranges::any_of(node.outputs, [&](const auto& o) { return forward_.contains(o); });
  const auto add_raw = [&](RawNode made) {
    if (forward) {
      forward_.insert(made.outputs.begin(), made.outputs.end());
    }
    raw_.nodes.push_back(std::move(made));
    translate(raw_.nodes.size() - 1);
  };
  for (std::size_t n : order) {
    RawNode made = branch.nodes[n];
    made.name = node.name + "/" + made.name;
    std::ranges::for_each(made.inputs, renamed);
    std::ranges::for_each(made.outputs, renamed);
    add_raw(std::move(made));
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) {
      std::string result = branch.outputs[i].name;
      renamed(result);
      RawNode same = fused_node(node, "Identity", {result});
      same.domain = "";
      same.outputs = {node.outputs[i]};
      add_raw(std::move(same));
    }
  }
}

}  // namespace etude::onnxio
