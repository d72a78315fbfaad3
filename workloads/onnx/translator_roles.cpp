// SPDX-License-Identifier: Apache-2.0
// What initializers and nodes are to training: weights or constants, losses and what stands before
// them.
#include <algorithm>

#include "models/base/error.h"
#include "workloads/onnx/translator.h"
#include "workloads/training/layer_names.h"

namespace etude::onnxio {

bool is_loss(const RawNode& node) {
  return node.op == "SoftmaxCrossEntropyLoss" || node.op == "NegativeLogLikelihoodLoss" ||
         node.op == "MseLoss" || node.op == "BceLoss";
}

namespace {

/// "norm.weight" and "norm.bias": what a layer has that meets the data first.
bool is_one_of_a_layer(const std::string& name) {
  return name.ends_with(".weight") || name.ends_with(".bias");
}

}  // namespace

bool prepares(OpType type) {
  switch (type) {
    case OpType::kAdd:
    case OpType::kSub:
    case OpType::kMul:
    case OpType::kDiv:
    case OpType::kScale:
    case OpType::kReshape:
    case OpType::kTranspose:
    case OpType::kSlice:
    case OpType::kPad:
    case OpType::kConcat:
      return true;
    default:
      return false;
  }
}

bool fills_norm(const RawNode& node, std::size_t input, const RawTensor& held) {
  const float wanted = input == 1 ? 1.0f : 0.0f;
  return node.op == "InstanceNormalization" && (input == 1 || input == 2) &&
         exporter_made(node.inputs[input]) &&
         std::ranges::all_of(held.reals, [&](float value) { return value == wanted; });
}

bool Translator::is_named_number(const std::string& name) const {
  const auto found = raw_.constants.find(name);
  // The new exporter has numbers of the code as initializers, too, without extents.
  return raw_.pytorch && found != raw_.constants.end() && !found->second.constant_node &&
         !exporter_made(name) && (!found->second.shape.empty() || name.find('.') != name.npos);
}

std::optional<double> Translator::scalar(const RawNode& node, std::size_t input) const {
  const RawTensor* held = constant(node, input);
  if (held == nullptr || held->reals.size() != 1 || held->shape.size() > 1 ||
      (!made_.updates && is_named_number(node.inputs[input]))) {
    return std::nullopt;
  }
  return held->reals[0];
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
    } else if (!constant(node, input)->constant_node && !exporter_made(tensor.name)) {
      made_.numbers.push_back(tensor.name);
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
  if (held == nullptr || !tensor.constant || fills_norm(node, input, *held)) {
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
    std::erase(made_.numbers, tensor.name);
  }
  return id;
}

Translator::Role Translator::role_of(const RawNode& node, std::size_t input, const Tensor& tensor) {
  bool data = false;  // with what is none, and with nothing but constants
  bool other_than_data = false;
  bool raw = true;
  bool one_feature = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (i == input || constant(node, i) != nullptr) {
      continue;
    }
    const TensorId other = value(node, i);
    const bool is_data = other < data_.size() && data_[other];
    data = data || is_data;
    other_than_data = other_than_data || !is_data;
    raw = raw && graph().tensor(other).kind == TensorKind::kInput;
    one_feature = one_feature || (!shape(other).empty() && shape(other).back() == 1);
  }
  const bool sum = node.op == "Add" || node.op == "Sum";
  if (tensor.elements() == 1 && !(sum && one_feature && !tensor.shape.empty())) {
    return is_named_number(tensor.name) ? Role::kWeight : Role::kScalar;
  }
  const auto extents = std::ranges::count_if(tensor.shape, [](auto e) { return e > 1; });
  if (is_one_of_a_layer(tensor.name)) {
    return Role::kWeight;
  }
  // A sum of the raw input and more than a vector is a position embedding.
  return data && !other_than_data && (!sum || !raw || extents <= 1) ? Role::kPreprocessing
                                                                    : Role::kWeight;
}

TensorId Translator::indices(const RawNode& node, std::size_t input) {
  const RawTensor* held = constant(node, input);
  if (held != nullptr && held->integers && !values_.contains(node.inputs[input])) {
    constexpr std::int64_t kMost = std::int64_t{1} << 24;  // what a float holds
    if (std::ranges::any_of(held->values, [](auto v) { return v < 0 || v > kMost; })) {
      reject(node, "an index of '" + node.inputs[input] + "' is negative or above 2^24",
             "give the rows of the table by their numbers");
    }
    const TensorId made = add_constant(node, ".indices", held->shape,
                                       {held->values.begin(), held->values.end()}, DType::kInt32);
    return values_[node.inputs[input]] = made;
  }
  const TensorId found = any_value(node, input);
  if (graph().tensor(found).dtype != DType::kInt32) {
    reject(node, "its indices '" + graph().tensor(found).name + "' have the type FLOAT",
           "INT64 and INT32 are supported");
  }
  return found;
}

TensorId Translator::add_constant(const RawNode& node, const std::string& suffix, Shape shape,
                                  std::vector<float> values, DType type) {
  Tensor tensor;
  tensor.name = fresh(node.name + suffix);
  tensor.kind = TensorKind::kParameter;
  tensor.shape = std::move(shape);
  tensor.dtype = type;
  tensor.constant = true;
  const TensorId id = graph().add_tensor(std::move(tensor));
  data_.resize(id + 1, false);
  made_.start.resize(id + 1);
  made_.start[id] = std::move(values);
  return id;
}

bool Translator::add_logits(const RawNode& node) {
  const auto read = [&](const RawNode& reader) {
    return std::ranges::count(reader.inputs, node.outputs.at(0)) > 0;
  };
  const bool output = !raw_.outputs.empty() &&
                      std::ranges::count(raw_.outputs, node.outputs[0], &RawValue::name) > 0;
  const bool by_others = std::ranges::any_of(raw_.nodes, [&](const RawNode& reader) {
    return read(reader) && reader.op != "SoftmaxCrossEntropyLoss" &&
           reader.op != "NegativeLogLikelihoodLoss";
  });
  const bool by_losses = std::ranges::any_of(raw_.nodes, read) && !by_others;
  const TensorId x = value(node, 0);
  const Shape extents = shape(x);
  const std::int64_t axis = node.integer("axis", raw_.opset < 13 ? 1 : -1);
  const bool last = axis == -1 || axis == static_cast<std::int64_t>(extents.size()) - 1;
  if (made_.updates || by_others || !(output || by_losses) || !last) {
    return false;
  }
  add(node, OpType::kReshape, {x},
      {{"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}}, node.outputs.at(0));
  made_.log_softmax = output;
  logits_.insert(node.outputs[0]);
  return true;
}

bool Translator::is_log_softmax(const std::string& name) const {
  const auto found = values_.find(name);
  const auto maker =
      found != values_.end() ? made_.network.graph.producer(found->second) : std::nullopt;
  return logits_.contains(name) ||
         (maker && made_.network.graph.node(*maker).op == OpType::kLogSoftmax);
}

TensorId Translator::weight_of_samples(const RawNode& node, std::size_t input,
                                       std::uint64_t samples) {
  const auto found = raw_.constants.find(node.inputs.at(input));
  if (made_.updates || samples < 2 || found == raw_.constants.end() ||
      values_.contains(found->first)) {
    return any_value(node, input);
  }
  RawTensor& held = found->second;
  if (held.integers || held.constant_node || held.shape.empty() || held.shape[0] != samples) {
    return any_value(node, input);
  }
  const auto one = static_cast<std::ptrdiff_t>(held.reals.size() / samples);
  for (auto next = held.reals.begin() + one; next != held.reals.end(); next += one) {
    if (!std::equal(next, next + one, held.reals.begin())) {
      return any_value(node, input);
    }
  }
  const Shape whole = held.shape;
  held.shape[0] = 1;
  held.reals.resize(static_cast<std::size_t>(one));
  made_.repeated_weights.push_back(found->first);
  return add_between(node, OpType::kExpand, {any_value(node, input)},
                     {{"shape", std::vector<std::int64_t>(whole.begin(), whole.end())}},
                     ".samples" + std::to_string(input));
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
