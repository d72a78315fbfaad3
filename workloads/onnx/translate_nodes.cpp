// SPDX-License-Identifier: Apache-2.0
// The order of translation: constants are computed as soon as they are known, patterns are taken
// at their last node, everything else is translated where it stands.
#include <algorithm>
#include <map>
#include <set>

#include "models/base/error.h"
#include "workloads/onnx/folding.h"
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

void Translator::take_shared_weights() {
  std::set<std::string> outputs;
  for (const RawValue& output : raw_.outputs) {
    outputs.insert(output.name);
  }
  std::map<std::string, std::size_t> makers;
  for (const RawNode& node : raw_.nodes) {
    for (const std::string& output : node.outputs) {
      ++makers[output];
    }
  }
  std::set<std::string> trained;  // read as more than the statistics of a normalisation
  for (const RawNode& node : raw_.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.op != "BatchNormalization" || i < 3) {
        trained.insert(node.inputs[i]);
      }
    }
  }
  const auto is_weight = [&](const std::string& name) {
    const auto found = raw_.constants.find(name);
    return found != raw_.constants.end() && !found->second.integers && !found->second.constant_node;
  };
  auto& names = weight_names_;
  const auto is_name = [&](const RawNode& node) {
    const bool candidate = node.op == "Identity" && node.domain.empty() &&
                           node.inputs.size() == 1 && node.outputs.size() == 1 &&
                           !outputs.contains(node.outputs[0]) && makers[node.outputs[0]] == 1 &&
                           !raw_.constants.contains(node.outputs[0]);
    if (!candidate) {
      return false;
    }
    const auto known = names.find(node.inputs[0]);
    const std::string weight = known == names.end() ? node.inputs[0] : known->second;
    if (!is_weight(weight)) {
      return false;
    }
    names[node.outputs[0]] = weight;
    if (trained.contains(node.outputs[0])) {
      made_.shared_weights.emplace_back(node.outputs[0], weight);
    }
    return true;
  };
  while (std::erase_if(raw_.nodes, is_name) > 0) {
  }
  for (RawNode& node : raw_.nodes) {
    for (std::string& input : node.inputs) {
      const auto found = names.find(input);
      input = found == names.end() ? input : found->second;
    }
  }
}

void Translator::take_compared_buffers() {
  // A mask that a module keeps as a buffer is data: comparisons pass no gradient on.
  static const std::set<std::string> kCompare{"Equal", "Greater", "GreaterOrEqual", "Less",
                                              "LessOrEqual"};
  static const std::set<std::string> kMove{"Slice",   "Gather",    "Reshape", "Unsqueeze",
                                           "Squeeze", "Transpose", "Expand",  "Identity"};
  std::map<std::string, std::vector<const RawNode*>> readers;
  for (const RawNode& node : raw_.nodes) {
    for (const std::string& input : node.inputs) {
      readers[input].push_back(&node);
    }
  }
  std::set<std::string> outputs;
  for (const RawValue& output : raw_.outputs) {
    outputs.insert(output.name);
  }
  const auto compared = [&](const std::string& name) {
    std::vector<std::string> open{name};
    bool any = false;
    while (!open.empty()) {
      const std::string value = open.back();
      open.pop_back();
      if (outputs.contains(value)) {
        return false;
      }
      for (const RawNode* node : readers[value]) {
        if (node->domain.empty() && kCompare.contains(node->op)) {
          any = true;
        } else if (node->domain.empty() && kMove.contains(node->op) && node->inputs[0] == value) {
          open.insert(open.end(), node->outputs.begin(), node->outputs.end());
        } else {
          return false;
        }
      }
    }
    return any;
  };
  for (auto& [name, constant] : raw_.constants) {
    if (!made_.updates && !constant.integers && compared(name)) {
      constant.constant_node = true;
    }
  }
}

void Translator::translate_all() {
  std::map<std::size_t, Pattern> patterns;  // by their last node
  std::set<std::size_t> waiting;
  if (!made_.updates) {
    for (Pattern& pattern : find_patterns(raw_, order_)) {
      waiting.insert(pattern.core.begin(), pattern.core.end());
      waiting.insert(pattern.tail.begin(), pattern.tail.end());
      patterns.emplace(pattern.last(), std::move(pattern));
    }
  }
  for (std::size_t n : order_) {
    if (const auto found = patterns.find(n); found != patterns.end()) {
      fuse(found->second);
    } else if (!waiting.contains(n)) {
      translate(n);
    }
  }
}

void Translator::translate(std::size_t n) {
  const RawNode& node = raw_.nodes[n];
  if (node.outputs.empty()) {
    reject(node, "has no outputs", "give it one");
  }
  if (node.op == "If" && node.domain.empty()) {
    take_branch(node);
    return;
  }
  try {
    if (fold(node)) {
      return;
    }
    const Handler handler = handler_of(node.domain, node.op);
    if (handler == nullptr) {
      reject(node, "works on data, which " + node.op + " is not supported for",
             "constants, and what follows from shapes, are computed");
    }
    handler(*this, node);
  } catch (const Refusal& refusal) {
    reject(node, refusal.what, refusal.allowed);
  }
}

std::optional<std::vector<const RawTensor*>> Translator::constants_of(const RawNode& node) {
  std::vector<const RawTensor*> found;
  std::vector<std::string> numbers;
  for (const std::string& name : node.inputs) {
    const auto constant = raw_.constants.find(name);
    if (name.empty()) {
      found.push_back(nullptr);
      continue;
    }
    if (constant == raw_.constants.end()) {
      return std::nullopt;
    }
    const RawTensor& held = constant->second;
    if (!held.integers && !held.constant_node) {
      if (made_.updates || !held.shape.empty()) {
        return std::nullopt;  // a weight
      }
      numbers.push_back(name);
    }
    found.push_back(&held);
  }
  if (found.empty()) {
    return std::nullopt;
  }
  for (const std::string& name : numbers) {
    if (std::ranges::count(made_.folded_numbers, name) == 0) {
      made_.folded_numbers.push_back(name);
    }
  }
  return found;
}

bool Translator::fold(const RawNode& node) {
  const Fold compute = node.domain.empty() ? fold_of(node.op) : nullptr;
  if (compute == nullptr) {
    return false;
  }
  RawTensor of_shape;
  std::optional<std::vector<const RawTensor*>> inputs;
  if (node.op == "Shape" || node.op == "Size") {
    const std::string& name = node.has_input(0) ? node.inputs[0] : "";
    const auto constant = raw_.constants.find(name);
    const auto known = values_.find(name);
    if (constant == raw_.constants.end() && known == values_.end()) {
      reject(node, "its input '" + name + "' is an output that is not supported",
             "use the first output of that node");
    }
    of_shape.shape =
        constant != raw_.constants.end() ? constant->second.shape : shape(known->second);
    inputs = std::vector<const RawTensor*>{&of_shape};
  } else {
    inputs = constants_of(node);
  }
  if (!inputs) {
    return false;
  }
  std::vector<RawTensor> results = compute({node, *inputs, raw_.opset});
  if (node.outputs.size() > results.size()) {
    reject(node, "has " + std::to_string(node.outputs.size()) + " outputs",
           std::to_string(results.size()) + " are there");
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    folded_ += static_cast<std::int64_t>(results[i].reals.size() + results[i].values.size());
    if (!node.outputs[i].empty()) {
      raw_.constants.emplace(node.outputs[i], std::move(results[i]));
    }
  }
  if (folded_ > kMostFoldedInAll) {
    reject(node, "and constants before it have " + std::to_string(folded_) + " elements",
           "at most 2^26 are computed");
  }
  return true;
}

}  // namespace etude::onnxio
