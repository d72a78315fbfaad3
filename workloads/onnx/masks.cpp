// SPDX-License-Identifier: Apache-2.0
// Masks of a softmax: constants, whoever holds them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

/// What no trained bias of attention reaches, and every mask does.
constexpr float kMasked = -1e4f;

}  // namespace

bool Translator::softmax_reads(const RawNode& node) const {
  const std::string& value = node.outputs.at(0);
  bool read = false;
  for (const RawNode& reader : raw_.nodes) {
    if (std::ranges::count(reader.inputs, value) > 0) {
      if (reader.op != "Softmax") {
        return false;
      }
      read = true;
    }
  }
  return read && std::ranges::count(raw_.outputs, value, &RawValue::name) == 0;
}

void Translator::soften(std::vector<float>& values, const Shape& shape) {
  const std::size_t columns = shape.empty() ? 1 : shape.back();
  for (std::size_t row = 0; columns > 0 && row + columns <= values.size(); row += columns) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row);
    const auto end = begin + static_cast<std::ptrdiff_t>(columns);
    if (std::any_of(begin, end, [](float v) { return v > kMasked; })) {
      std::replace(begin, end, -std::numeric_limits<float>::infinity(),
                   std::numeric_limits<float>::lowest());
    }
  }
}

bool Translator::take_mask(const RawNode& node, std::size_t input) {
  const RawTensor* held = constant(node, input);
  const auto masks = [&](const RawNode& reader) {
    return std::ranges::count(reader.inputs, node.inputs[input]) == 0 ||
           (reader.op == "Add" && softmax_reads(reader));
  };
  if (held == nullptr || held->reals.size() < 2 || node.op != "Add" ||
      std::ranges::none_of(held->reals, [](float v) { return v <= kMasked; }) ||
      !std::ranges::all_of(raw_.nodes, masks)) {
    return false;
  }
  const TensorId id = value(node, input);
  Tensor& tensor = graph().tensor(id);
  if (!tensor.constant) {
    made_.masks.push_back(tensor.name);
  }
  tensor.constant = true;
  tensor.trainable = false;
  soften(made_.start[id], tensor.shape);
  return true;
}

}  // namespace etude::onnxio
