// SPDX-License-Identifier: Apache-2.0
// Operators of the domain "ai.etude": ours, with our names and attributes, as onnx_export.cpp
// writes them.
#include "workloads/onnx/translator.h"
#include "workloads/ops/op_rules.h"

namespace etude::onnxio {

namespace {

std::optional<OpType> own_type(const std::string& op) {
  for (const OperatorNames& each : kOperators) {
    if (op == each.name) {
      return each.type;
    }
  }
  return std::nullopt;
}

void own(Translator& to, const RawNode& node) {
  const OpType type = own_type(node.op).value();
  const bool classes =
      type == OpType::kSoftmaxCrossEntropy || type == OpType::kSoftmaxCrossEntropyGrad;
  const bool rows = type == OpType::kGather || type == OpType::kGatherGrad;
  const bool moves = type == OpType::kSlice || type == OpType::kPad || type == OpType::kConcat;
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(rows && i == 1      ? to.indices(node, i)
                     : classes && i == 1 ? to.labels(node, i)
                     : moves             ? to.data(node, i)
                                         : to.value(node, i));
  }
  if (type == OpType::kSgd) {
    to.add_update(node, to.value(node, 0), to.value(node, 1));
    return;
  }
  if (type == OpType::kBatchNorm && inputs.size() == 5) {
    to.graph().tensor(inputs[3]).trainable = false;
    to.graph().tensor(inputs[4]).trainable = false;
  }
  Attributes attributes;
  for (const AttributeRow& row : attributes_of(node.domain, node.op)) {
    const std::string key(row.name);
    if (const auto found = node.attributes.find(key); found != node.attributes.end()) {
      std::visit(
          [&]<typename Held>(const Held& held) {
            if constexpr (std::is_constructible_v<Attribute, const Held&>) {
              attributes[key] = held;
            }
          },
          found->second);
    }
  }
  const bool loss = type == OpType::kMseLoss || type == OpType::kBceLoss;
  if (node.outputs.size() == 1 && !loss) {
    to.add(node, type, inputs, attributes, node.outputs[0]);
    return;
  }
  std::vector<std::pair<std::string, TensorKind>> outputs;
  for (const auto& output : node.outputs) {
    outputs.emplace_back(output, loss ? TensorKind::kLoss : TensorKind::kGradient);
  }
  to.add_many(node, type, inputs, attributes, outputs);
}

}  // namespace

Handler own_handler_of(const std::string& op) { return own_type(op) ? own : nullptr; }

}  // namespace etude::onnxio
