// SPDX-License-Identifier: Apache-2.0
// Operators that ONNX holds as we do and without attributes: their row in operator_list.h is all
// that reading them needs.
#include <algorithm>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

const OperatorNames* plain_operator(const std::string& op) {
  const auto* const found = std::ranges::find_if(kOperators, [&](const OperatorNames& each) {
    const bool same = each.form == OnnxForm::kStandard || each.form == OnnxForm::kMicrosoft;
    return same && each.onnx == op && each.onnx_attributes.empty();
  });
  return found != kOperators.end() ? found : nullptr;
}

void plain(Translator& to, const RawNode& node) {
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(to.value(node, i));
  }
  to.add(node, plain_operator(node.op)->type, inputs, {}, node.outputs.at(0));
}

}  // namespace

Handler plain_handler_of(const std::string& op) {
  return plain_operator(op) != nullptr ? plain : nullptr;
}

}  // namespace etude::onnxio
