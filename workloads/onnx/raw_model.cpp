// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/raw_model.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "models/base/error.h"

namespace etude::onnxio {

namespace {

template <typename T>
const T* attribute(const RawNode& node, const std::string& key, AttributeType type) {
  const auto& rows = attributes_of(node.domain, node.op);
  const auto row = std::ranges::find(rows, key, &AttributeRow::name);
  if (row != rows.end() && row->type != type) {
    throw std::logic_error(node.op + " declares " + key + " as " + name_of(row->type));
  }
  const auto found = node.attributes.find(key);
  return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace

std::int64_t RawNode::integer(const std::string& key, std::int64_t otherwise) const {
  const auto* value = attribute<std::int64_t>(*this, key, AttributeType::kInt);
  return value != nullptr ? *value : otherwise;
}

double RawNode::real(const std::string& key, double otherwise) const {
  const auto* value = attribute<double>(*this, key, AttributeType::kFloat);
  return value != nullptr ? *value : otherwise;
}

std::string RawNode::text(const std::string& key, const std::string& otherwise) const {
  const auto* value = attribute<std::string>(*this, key, AttributeType::kString);
  return value != nullptr ? *value : otherwise;
}

std::optional<std::vector<std::int64_t>> RawNode::integers(const std::string& key) const {
  const auto* value = attribute<std::vector<std::int64_t>>(*this, key, AttributeType::kInts);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

namespace {

/// What a Constant node gives; nothing when it has no value.
std::optional<RawTensor> constant_of(const RawNode& node) {
  RawTensor made;
  const auto held = [&]<typename T>(const char* key, T) {
    const auto found = node.attributes.find(key);
    return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
  };
  if (const auto* tensor = held("value", RawTensor{})) {
    made = *tensor;
  } else if (const auto* ints = held("value_ints", std::vector<std::int64_t>{})) {
    made = {{ints->size()}, kInt64Type, true, true, {}, *ints};
  } else if (const auto* integer = held("value_int", std::int64_t{})) {
    made = {{}, kInt64Type, true, true, {}, {*integer}};
  } else if (const auto* reals = held("value_floats", std::vector<double>{})) {
    made.shape = {reals->size()};
    made.reals.assign(reals->begin(), reals->end());
  } else if (const auto* real = held("value_float", double{})) {
    made.reals = {static_cast<float>(*real)};
  } else {
    return std::nullopt;
  }
  made.constant_node = true;
  return made;
}

}  // namespace

void take_constant_nodes(RawModel& model) {
  std::erase_if(model.nodes, [&](const RawNode& node) {
    if (node.op != "Constant" || !node.domain.empty()) {
      return false;
    }
    auto made = constant_of(node);
    if (!made || node.outputs.size() != 1 || !node.inputs.empty()) {
      throw UserError(model.where + ": " + node.label(), "has no value, or not one output",
                      "give one of value, value_float, value_floats, value_int and value_ints");
    }
    if (!model.constants.emplace(node.outputs[0], *std::move(made)).second) {
      throw UserError(model.where + ": " + node.label(),
                      "its output '" + node.outputs[0] + "' exists already",
                      "every value has one maker");
    }
    return true;
  });
}

std::vector<std::size_t> sorted_nodes(const RawModel& model) {
  std::map<std::string, std::size_t> makers;
  std::set<std::string> given;
  for (const auto& [name, constant] : model.constants) {
    given.insert(name);
  }
  for (const RawValue& input : model.inputs) {
    given.insert(input.name);
  }
  for (std::size_t n = 0; n < model.nodes.size(); ++n) {
    for (const auto& output : model.nodes[n].outputs) {
      if (!output.empty() && (given.contains(output) || !makers.emplace(output, n).second)) {
        throw UserError(model.where + ": " + model.nodes[n].label(),
                        "its output '" + output + "' exists already", "every value has one maker");
      }
    }
  }
  std::vector<std::size_t> missing(model.nodes.size(), 0);
  std::vector<std::vector<std::size_t>> readers(model.nodes.size());
  for (std::size_t n = 0; n < model.nodes.size(); ++n) {
    std::set<std::size_t> before;
    for (const auto& input : model.nodes[n].inputs) {
      if (input.empty() || given.contains(input)) {
        continue;
      }
      const auto maker = makers.find(input);
      if (maker == makers.end()) {
        throw UserError(model.where + ": " + model.nodes[n].label(),
                        "nothing gives its input '" + input + "'",
                        "it must be an initializer, a graph input or a node's output");
      }
      before.insert(maker->second);
    }
    missing[n] = before.size();
    for (std::size_t maker : before) {
      readers[maker].push_back(n);
    }
  }
  std::set<std::size_t> ready;  // in the file's order where that is free
  for (std::size_t n = 0; n < missing.size(); ++n) {
    if (missing[n] == 0) {
      ready.insert(n);
    }
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t n = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(n);
    for (std::size_t reader : readers[n]) {
      if (--missing[reader] == 0) {
        ready.insert(reader);
      }
    }
  }
  if (order.size() != model.nodes.size()) {
    const auto stuck = std::ranges::find_if(missing, [](std::size_t m) { return m > 0; });
    const auto& node = model.nodes[static_cast<std::size_t>(stuck - missing.begin())];
    throw UserError(model.where + ": " + node.label(), "waits for its own result",
                    "a graph has no cycles");
  }
  for (const RawValue& output : model.outputs) {
    if (!given.contains(output.name) && !makers.contains(output.name)) {
      throw UserError(model.where, "nothing makes the graph output '" + output.name + "'",
                      "every output is made by a node");
    }
  }
  return order;
}

}  // namespace etude::onnxio
