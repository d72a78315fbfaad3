// SPDX-License-Identifier: Apache-2.0
// Operators that move or sum data: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout (of
// inference), Transpose, Expand, ReduceSum, ReduceMean.
#include <algorithm>
#include <numeric>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;
constexpr std::int64_t kMostElements = std::int64_t{1} << 28;

Integers extents(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// The product of extents that are not negative, at most a little above kMostElements.
std::int64_t product(const Integers& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1},
                         [](std::int64_t a, std::int64_t b) {
                           return std::min(a * std::min(b, kMostElements), kMostElements + 1);
                         });
}

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
  Integers shape = *wanted;
  const auto free = std::ranges::find(shape, -1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && node.integer("allowzero", 0) == 0 && i < from.size()) {
      shape[i] = from[i];
    }
    if (shape[i] < -1 || shape[i] > kMostElements || std::ranges::count(shape, -1) > 1) {
      to.reject(node, "its shape cannot be read", "extents are positive, one of them may be -1");
    }
  }
  if (free != shape.end()) {
    *free = 1;
    const std::int64_t others = product(shape);
    *free = others > 0 ? product(from) / others : 0;
  }
  to_shape(to, node, x, shape);
}

/// Axes from 0 to rank - 1, ascending. Errors: UserError when one does not exist.
Integers axes_of(Translator& to, const RawNode& node, Integers axes, std::size_t rank) {
  const auto count = static_cast<std::int64_t>(rank);
  for (std::int64_t& axis : axes) {
    if (axis < -count || axis >= count) {
      to.reject(node, "axis " + std::to_string(axis) + " does not exist",
                "axes are from " + std::to_string(-count) + " to " + std::to_string(count - 1));
    }
    axis = axis < 0 ? axis + count : axis;
  }
  std::ranges::sort(axes);
  if (const auto twice = std::ranges::adjacent_find(axes); twice != axes.end()) {
    to.reject(node, "has axis " + std::to_string(*twice) + " twice", "give every axis once");
  }
  return axes;
}

void flatten(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Integers from = extents(to.shape(x));
  std::int64_t axis = node.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(from.size());
  if (axis < -rank || axis > rank) {
    to.reject(node, "axis " + std::to_string(axis) + " does not exist", "give one of its axes");
  }
  axis = axis < 0 ? axis + rank : axis;
  const std::int64_t rows = product({from.begin(), from.begin() + axis});
  to_shape(to, node, x, {rows, rows > 0 ? product(from) / rows : 0});
}

void squeeze(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Integers from = extents(to.shape(x));
  const auto given = to.integers(node, "axes", 1);
  Integers shape;
  if (!given) {
    std::ranges::copy_if(from, std::back_inserter(shape), [](std::int64_t e) { return e != 1; });
  } else {
    const Integers axes = axes_of(to, node, *given, from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (std::ranges::count(axes, static_cast<std::int64_t>(i)) == 0) {
        shape.push_back(from[i]);
      } else if (from[i] != 1) {
        to.reject(node,
                  "takes axis " + std::to_string(i) + " of " + to_string(to.shape(x)) + " away",
                  "an axis that goes has one element");
      }
    }
  }
  to_shape(to, node, x, shape);
}

void unsqueeze(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  Integers shape = extents(to.shape(x));
  const auto given = to.integers(node, "axes", 1);
  if (!given) {
    to.reject(node, "has no axes", "give them as attribute or input");
  }
  for (std::int64_t axis : axes_of(to, node, *given, shape.size() + given->size())) {
    shape.insert(
        shape.begin() + std::min<std::int64_t>(axis, static_cast<std::int64_t>(shape.size())), 1);
  }
  to_shape(to, node, x, shape);
}

void identity(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  to_shape(to, node, x, extents(to.shape(x)));
}

/// Of inference: the identity.
void dropout(Translator& to, const RawNode& node) {
  if (node.has_input(2)) {
    const RawTensor* training = to.constant(node, 2);
    const RawTensor* ratio = to.constant(node, 1);
    const bool kept = ratio != nullptr && ratio->reals == std::vector<float>{0.0f};
    if (!kept && (training == nullptr || training->values != Integers{0})) {
      to.reject(node,
                training == nullptr ? "its training_mode is computed by the graph"
                                    : "drops values in training",
                "training_mode false is supported: export the model in evaluation mode");
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

void reduce(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  Integers all(shape.size());
  std::iota(all.begin(), all.end(), 0);
  const auto given = to.integers(node, "axes", 1);
  const bool none = !given || given->empty();
  if (none && node.integer("noop_with_empty_axes", 0) != 0) {
    return identity(to, node);
  }
  const Integers axes = none ? all : axes_of(to, node, *given, shape.size());
  const Attributes attributes{{"axes", axes}, {"keepdims", node.integer("keepdims", 1)}};
  if (node.op == "ReduceSum") {
    to.add(node, OpType::kReduceSum, {x}, attributes, node.outputs.at(0));
    return;
  }
  double count = 1;
  for (std::int64_t axis : axes) {
    count *= static_cast<double>(shape[static_cast<std::size_t>(axis)]);
  }
  const TensorId sum = to.add_between(node, OpType::kReduceSum, {x}, attributes, ".sum");
  to.add(node, OpType::kScale, {sum}, {{"factor", 1 / count}}, node.outputs.at(0));
}

}  // namespace

Handler shape_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Reshape", reshape},     {"Flatten", flatten},   {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze}, {"Identity", identity}, {"Dropout", dropout},
      {"Transpose", transpose}, {"Expand", expand},     {"ReduceSum", reduce},
      {"ReduceMean", reduce},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
