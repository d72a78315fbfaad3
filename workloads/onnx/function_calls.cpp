// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/function_calls.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/base/error.h"

namespace etude::onnxio {

namespace {

constexpr int kDeepest = 32;
constexpr int kMostNodes = 1'000'000;

std::string standard(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

template <typename Imports>
std::int64_t opset_of(const Imports& imports) {
  std::int64_t version = 0;
  for (const auto& import : imports) {
    if (standard(import.domain()).empty()) {
      version = std::max<std::int64_t>(version, import.version());
    }
  }
  return version;
}

class Inliner {
 public:
  Inliner(onnx::ModelProto& model, const std::string& where) : model_(model), where_(where) {
    for (const auto& function : model.functions()) {
      if (!functions_.emplace(std::pair(standard(function.domain()), function.name()), &function)
               .second) {
        throw UserError(where, "has two functions '" + function.name() + "'",
                        "every function has one body");
      }
    }
    for (const auto& node : model.graph().node()) {
      taken_.insert(node.output().begin(), node.output().end());
    }
  }

  void run() {
    google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
    nodes.Swap(model_.mutable_graph()->mutable_node());
    for (const auto& node : nodes) {
      add(node, 0);
    }
  }

 private:
  void add(const onnx::NodeProto& node, int depth) {
    const auto found = functions_.find({standard(node.domain()), node.op_type()});
    if (found != functions_.end()) {
      call(node, *found->second, depth);
      return;
    }
    if (model_.graph().node_size() >= kMostNodes) {
      throw UserError(where_, "has more than a million nodes", "give a smaller model");
    }
    *model_.mutable_graph()->add_node() = node;
  }

  void call(const onnx::NodeProto& node, const onnx::FunctionProto& function, int depth) {
    const std::string name = !node.name().empty()     ? node.name()
                             : node.output_size() > 0 ? node.output(0)
                                                      : node.op_type();
    const std::string place = where_ + ": node '" + name + "' (" + node.op_type() + ")";
    const std::int64_t opset = opset_of(function.opset_import());
    if (opset != 0 && opset != opset_of(model_.opset_import())) {
      throw UserError(place,
                      "calls a function of opset " + std::to_string(opset) +
                          ", and the model has " + std::to_string(opset_of(model_.opset_import())),
                      "both have one opset");
    }
    if (depth == kDeepest || node.input_size() > function.input_size() ||
        node.output_size() > function.output_size()) {
      throw UserError(place,
                      depth == kDeepest ? "calls functions that call each other without end"
                                        : "has more inputs or outputs than its function",
                      "export the model without functions");
    }
    std::map<std::string, std::string> names{{"", ""}};
    for (int i = 0; i < function.input_size(); ++i) {
      names[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    }
    for (int i = 0; i < function.output_size(); ++i) {
      const std::string outer = i < node.output_size() ? node.output(i) : "";
      if (const auto known = names.find(function.output(i)); known != names.end()) {
        onnx::NodeProto same;  // an input that is handed through
        same.set_op_type("Identity");
        same.set_name(name + "/" + function.output(i));
        same.add_input(known->second);
        same.add_output(outer);
        if (!outer.empty()) {
          add(same, depth + 1);
        }
      } else if (!outer.empty()) {
        names[function.output(i)] = outer;
      }
    }
    for (const auto& inner : function.node()) {
      onnx::NodeProto made = inner;
      made.set_name(name + "/" + (inner.name().empty() ? inner.op_type() : inner.name()));
      for (auto* values : {made.mutable_input(), made.mutable_output()}) {
        for (std::string& value : *values) {
          value = inside(names, name, value);
        }
      }
      take_attributes(made, node, function, place);
      add(made, depth + 1);
    }
  }

  /// The name in the graph of a value of a body.
  const std::string& inside(std::map<std::string, std::string>& names, const std::string& call,
                            const std::string& value) {
    const auto known = names.find(value);
    if (known != names.end()) {
      return known->second;
    }
    const std::string wanted = call + "/" + value;
    std::string name = wanted;
    for (int i = 1; !taken_.insert(name).second; ++i) {
      name = wanted + "." + std::to_string(i);
    }
    return names[value] = name;
  }

  /// Attributes of the body that refer to those of the call. Their defaults (attribute_proto) are
  /// younger than the protobuf classes, and refused.
  void take_attributes(onnx::NodeProto& made, const onnx::NodeProto& call,
                       const onnx::FunctionProto& function, const std::string& place) const {
    auto* attributes = made.mutable_attribute();
    for (int i = 0; i < attributes->size();) {
      onnx::AttributeProto& attribute = *attributes->Mutable(i);
      if (attribute.has_g() || attribute.graphs_size() > 0) {
        throw UserError(place, "calls a function with subgraphs",
                        "export the model without functions");
      }
      if (attribute.ref_attr_name().empty()) {
        ++i;
        continue;
      }
      const std::string wanted = attribute.ref_attr_name();
      const std::string name = attribute.name();
      const auto given = std::ranges::find_if(
          call.attribute(), [&](const auto& each) { return each.name() == wanted; });
      if (given != call.attribute().end()) {
        attribute = *given;
        attribute.set_name(name);
        ++i;
      } else if (std::ranges::count(function.attribute(), wanted) > 0) {
        attributes->DeleteSubrange(i, 1);  // left out
      } else {
        throw UserError(place, "leaves '" + wanted + "' to the function's default",
                        "give the attribute");
      }
    }
  }

  onnx::ModelProto& model_;
  const std::string& where_;
  std::map<std::pair<std::string, std::string>, const onnx::FunctionProto*> functions_;
  std::set<std::string> taken_;
};

}  // namespace

void inline_functions(onnx::ModelProto& model, const std::string& where) {
  if (model.functions_size() > 0) {
    Inliner(model, where).run();
  }
}

}  // namespace etude::onnxio
