// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/folding.h"

#include <algorithm>

namespace etude::onnxio {

const RawTensor& FoldNode::input(std::size_t i) const {
  if (!has(i)) {
    throw Refusal{"input " + std::to_string(i) + " is missing", "give all its inputs"};
  }
  return *inputs[i];
}

const std::vector<std::int64_t>& FoldNode::integers(std::size_t i) const {
  const RawTensor& found = input(i);
  if (found.type != kInt64Type && found.type != kInt32Type) {
    throw Refusal{
        "its input '" + node.inputs[i] + "' has the type " + element_type_name(found.type),
        "INT64 is wanted"};
  }
  return found.values;
}

std::optional<Integers> FoldNode::list(const std::string& key, std::size_t i) const {
  if (!has(i)) {
    return node.integers(key);
  }
  if (node.attributes.contains(key)) {
    throw Refusal{"has " + key + " as attribute and as input", "give one of them"};
  }
  return integers(i);
}

RawTensor integer_tensor(Shape shape, std::vector<std::int64_t> values) {
  return {std::move(shape), kInt64Type, true, true, {}, std::move(values)};
}

RawTensor folded_tensor(const Integers& shape, int type) {
  RawTensor made;
  std::int64_t elements = 1;
  for (std::int64_t extent : shape) {
    if (extent < 0 || extent > kMostElements) {
      throw Refusal{"its result has the extent " + std::to_string(extent),
                    "extents are from 0 to 2^28"};
    }
    elements = std::min(elements, kMostElements) * std::min(extent, kMostElements);
    made.shape.push_back(static_cast<std::uint64_t>(extent));
  }
  if (elements > kMostFolded) {
    throw Refusal{"its result is a constant of shape " + to_string(made.shape),
                  "at most 2^22 elements are computed"};
  }
  made.type = type;
  made.constant_node = true;
  made.integers = type != kFloatType && type != kDoubleType;
  if (made.integers) {
    made.values.resize(static_cast<std::size_t>(elements));
  } else {
    made.reals.resize(static_cast<std::size_t>(elements));
  }
  return made;
}

Integers extents_of(const RawTensor& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

Fold fold_of(const std::string& op) {
  for (const auto find : {movement_fold_of, elementwise_fold_of, reduction_fold_of}) {
    if (const Fold found = find(op)) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace etude::onnxio
