// SPDX-License-Identifier: Apache-2.0
// Operators that give data other shapes: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout,
// Transpose, Expand.
#include <algorithm>
#include <numeric>

#include "workloads/onnx/shape_rules.h"
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

Integers extents(const Shape& shape) { return {shape.begin(), shape.end()}; }

void to_shape(Translator& to, const RawNode& node, TensorId x, const Integers& shape) {
  to.add(node, OpType::kReshape, {x}, {{"shape", shape}}, node.outputs.at(0));
}

void reshape(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Integers from = extents(to.shape(x));
  const auto wanted = to.integers(node, "shape", 1);
  if (!wanted) {
    to.reject(node, "has no shape", "give it as the second input");
  }
  to_shape(to, node, x, reshaped(from, *wanted, node.integer("allowzero", 0) != 0));
}

void flatten(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  to_shape(to, node, x, flattened(extents(to.shape(x)), node.integer("axis", 1)));
}

void squeeze(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Integers from = extents(to.shape(x));
  const auto given = to.integers(node, "axes", 1);
  Integers shape;
  if (!given) {
    std::ranges::copy_if(from, std::back_inserter(shape), [](std::int64_t e) { return e != 1; });
  } else {
    shape = squeezed(from, *given);
  }
  to_shape(to, node, x, shape);
}

void unsqueeze(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const auto given = to.integers(node, "axes", 1);
  if (!given) {
    to.reject(node, "has no axes", "give them as attribute or input");
  }
  to_shape(to, node, x, unsqueezed(extents(to.shape(x)), *given));
}

void identity(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  to_shape(to, node, x, extents(to.shape(x)));
}

/// The identity. One that a file left in training (training_mode true, from opset 12 on) is told,
/// unless it drops nothing.
void dropout(Translator& to, const RawNode& node) {
  if (node.has_input(2)) {
    const RawTensor* training = to.constant(node, 2);
    const RawTensor* ratio = to.constant(node, 1);
    if (training == nullptr || training->values.size() != 1) {
      to.reject(node, "its training_mode is computed by the graph", "it is a constant");
    }
    const bool kept = ratio != nullptr && ratio->reals == std::vector<float>{0.0f};
    if (training->values[0] != 0 && !kept) {
      to.note_dropout();
    }
  }
  identity(to, node);
}

void transpose(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  Integers perm(to.shape(x).size());
  std::iota(perm.rbegin(), perm.rend(), 0);
  to.add(node, OpType::kTranspose, {x}, {{"perm", node.integers("perm").value_or(perm)}},
         node.outputs.at(0));
}

void expand(Translator& to, const RawNode& node) {
  const auto shape = to.integers(node, "shape", 1);
  if (!shape) {
    to.reject(node, "has no shape", "give it as the second input");
  }
  if (to.raw().opset < 8) {
    to.reject(node, "is no operator of opset 7", "export the model with opset 8 or later");
  }
  to.add(node, OpType::kExpand, {to.value(node, 0)}, {{"shape", *shape}}, node.outputs.at(0));
}

}  // namespace

Handler shape_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Reshape", reshape},     {"Flatten", flatten},   {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze}, {"Identity", identity}, {"Dropout", dropout},
      {"Transpose", transpose}, {"Expand", expand},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
