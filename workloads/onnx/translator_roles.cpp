// SPDX-License-Identifier: Apache-2.0
// What initializers and nodes are to training: weights or constants, losses and what stands before
// them.
#include <algorithm>

#include "models/base/error.h"
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

bool is_loss(const RawNode& node) {
  return node.op == "SoftmaxCrossEntropyLoss" || node.op == "NegativeLogLikelihoodLoss" ||
         node.op == "MseLoss" || node.op == "BceLoss";
}

TensorId Translator::operand(const RawNode& node, std::size_t input) {
  const bool known = node.has_input(input) && values_.contains(node.inputs[input]);
  const TensorId id = value(node, input);
  if (constant(node, input) == nullptr || made_.updates) {
    return id;
  }
  if (take_mask(node, input)) {
    return id;
  }
  Tensor& tensor = graph().tensor(id);
  const Role role = role_of(node, input, tensor);
  if (role == Role::kWeight) {
    return weight(node, input);
  }
  if (!known && !tensor.constant) {
    if (role == Role::kPreprocessing) {
      made_.preprocessing.push_back(tensor.name);
    }
    tensor.constant = true;
    tensor.trainable = false;
  }
  return id;
}

TensorId Translator::weight(const RawNode& node, std::size_t input) {
  const TensorId id = value(node, input);
  Tensor& tensor = graph().tensor(id);
  const RawTensor* held = constant(node, input);
  if (held == nullptr || !tensor.constant) {
    return id;
  }
  if (held->constant_node) {
    if (node.op != "Add" && node.op != "Sub" && node.op != "Mul" && node.op != "Div" &&
        node.op != "Sum" && std::ranges::count(made_.constant_weights, tensor.name) == 0) {
      made_.constant_weights.push_back(tensor.name);
    }
  } else {
    tensor.constant = false;  // it was an operand somewhere before
    tensor.trainable = !made_.updates;
    std::erase(made_.preprocessing, tensor.name);
  }
  return id;
}

Translator::Role Translator::role_of(const RawNode& node, std::size_t input, const Tensor& tensor) {
  bool data = true;
  bool raw = true;
  bool one_feature = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (i == input || constant(node, i) != nullptr) {
      continue;
    }
    const TensorId other = value(node, i);
    data = data && other < data_.size() && data_[other];
    raw = raw && graph().tensor(other).kind == TensorKind::kInput;
    one_feature = one_feature || (!shape(other).empty() && shape(other).back() == 1);
  }
  const bool sum = node.op == "Add" || node.op == "Sum";
  if (tensor.elements() == 1 && !(sum && one_feature && !tensor.shape.empty())) {
    return Role::kScalar;
  }
  const auto extents = std::ranges::count_if(tensor.shape, [](auto e) { return e > 1; });
  // A sum of the raw input and more than a vector is a position embedding.
  return data && (!sum || !raw || extents <= 1) ? Role::kPreprocessing : Role::kWeight;
}

void Translator::add_log_softmax(const RawNode& node) {
  for (const RawNode& reader : raw_.nodes) {
    if (std::ranges::count(reader.inputs, node.outputs.at(0)) > 0 && !is_loss(reader)) {
      reject(node, "is read by " + reader.label(),
             "LogSoftmax is supported as the last operator, or before a loss of classes");
    }
  }
  const TensorId x = value(node, 0);
  const Shape extents = shape(x);
  add(node, OpType::kReshape, {x},
      {{"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}}, node.outputs.at(0));
  made_.log_softmax = !raw_.outputs.empty() &&
                      std::ranges::count(raw_.outputs, node.outputs[0], &RawValue::name) > 0;
}

bool Translator::is_log_softmax(const std::string& name) const {
  return std::ranges::any_of(raw_.nodes, [&](const RawNode& node) {
    return node.op == "LogSoftmax" && std::ranges::count(node.outputs, name) > 0;
  });
}

std::optional<TensorId> Translator::find_loss() {
  const Node* found = nullptr;
  for (const Node& node : graph().nodes()) {
    if (node.op != OpType::kSoftmaxCrossEntropy && node.op != OpType::kMseLoss &&
        node.op != OpType::kBceLoss) {
      continue;
    }
    if (found != nullptr) {
      throw UserError(raw_.where,
                      "has two loss nodes, '" + found->name + "' and '" + node.name + "'",
                      "one is supported");
    }
    found = &node;
  }
  if (found == nullptr) {
    return std::nullopt;
  }
  const TensorId loss = found->outputs[0];
  if (graph().consumers(loss).empty()) {
    made_.loss = loss;
  } else {
    graph().tensor(loss).kind = TensorKind::kActivation;  // a part of the loss
  }
  return found->inputs[0];
}

}  // namespace etude::onnxio
