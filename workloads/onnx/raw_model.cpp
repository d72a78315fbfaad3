// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/raw_model.h"

#include <algorithm>
#include <set>

#include "models/base/error.h"

namespace etude::onnxio {

namespace {

template <typename T>
const T* attribute(const RawNode& node, const std::string& key) {
  const auto found = node.attributes.find(key);
  return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace

std::int64_t RawNode::integer(const std::string& key, std::int64_t otherwise) const {
  const auto* value = attribute<std::int64_t>(*this, key);
  return value != nullptr ? *value : otherwise;
}

double RawNode::real(const std::string& key, double otherwise) const {
  const auto* value = attribute<double>(*this, key);
  return value != nullptr ? *value : otherwise;
}

std::string RawNode::text(const std::string& key, const std::string& otherwise) const {
  const auto* value = attribute<std::string>(*this, key);
  return value != nullptr ? *value : otherwise;
}

std::optional<std::vector<std::int64_t>> RawNode::integers(const std::string& key) const {
  const auto* value = attribute<std::vector<std::int64_t>>(*this, key);
  return value != nullptr ? std::optional(*value) : std::nullopt;
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
