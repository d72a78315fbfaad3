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
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(to.value(node, i));
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
  for (const auto& [key, value] : node.attributes) {
    std::visit(
        [&](const auto& held) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(held)>, RawTensor>) {
            attributes[key] = held;  // NOLINT(clang-analyzer-core.CallAndMessage): knows no variant
          }
        },
        value);
  }
  if (node.outputs.size() == 1 && type != OpType::kMseLoss) {
    to.add(node, type, inputs, attributes, node.outputs[0]);
    return;
  }
  std::vector<std::pair<std::string, TensorKind>> outputs;
  for (const auto& output : node.outputs) {
    outputs.emplace_back(output,
                         type == OpType::kMseLoss ? TensorKind::kLoss : TensorKind::kGradient);
  }
  to.add_many(node, type, inputs, attributes, outputs);
}

}  // namespace

Handler own_handler_of(const std::string& op) { return own_type(op) ? own : nullptr; }

}  // namespace etude::onnxio
