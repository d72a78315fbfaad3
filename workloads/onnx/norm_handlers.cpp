// SPDX-License-Identifier: Apache-2.0
// Normalisations and softmax over any axes, as what ours do over the last one: LayerNormalization,
// RMSNormalization, GroupNormalization, InstanceNormalization, Softmax, LogSoftmax.
#include <algorithm>
#include <numeric>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

Attributes to_shape(const Shape& shape) {
  return {{"shape", Integers(shape.begin(), shape.end())}};
}

std::uint64_t product(const Shape& shape, std::size_t from, std::size_t to) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(from),
                         shape.begin() + static_cast<std::ptrdiff_t>(to), std::uint64_t{1},
                         std::multiplies<>());
}

/// Attribute axis, from 0 on. Errors: UserError when it does not exist.
std::size_t axis_of(Translator& to, const RawNode& node, const Shape& shape,
                    std::int64_t otherwise) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = node.integer("axis", otherwise);
  if (axis < -rank || axis >= rank) {
    to.reject(node, "axis " + std::to_string(axis) + " of " + to_string(shape) + " does not exist",
              rank == 0
                  ? "the input needs an axis"
                  : "axes are from " + std::to_string(-rank) + " to " + std::to_string(rank - 1));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

void expect_float_statistics(Translator& to, const RawNode& node) {
  if (node.integer("stash_type", 1) != 1) {
    to.reject(node, "has stash_type " + std::to_string(node.integer("stash_type", 1)),
              "1 (FLOAT) is supported");
  }
}

/// Scale or offset of the extents `inner`, which it broadcasts to, as one row.
TensorId as_row(Translator& to, const RawNode& node, std::size_t input, const Shape& inner) {
  TensorId given = to.weight(node, input);
  const std::uint64_t columns = product(inner, 0, inner.size());
  const std::string suffix = ".input" + std::to_string(input);
  const auto without_ones = [](const Shape& shape) {
    return Shape(std::ranges::find_if(shape, [](std::uint64_t e) { return e != 1; }), shape.end());
  };
  const Shape extents = without_ones(to.shape(given));
  bool fits = extents.size() <= inner.size();
  for (std::size_t d = 1; fits && d <= extents.size(); ++d) {
    const std::uint64_t extent = extents[extents.size() - d];
    fits = extent == 1 || extent == inner[inner.size() - d];
  }
  if (!fits) {
    to.reject(node,
              "scale or bias has shape " + to_string(to.shape(given)) + " for rows of " +
                  to_string(inner),
              "one element per column is supported, or fewer that broadcast");
  }
  if (extents != without_ones(inner)) {
    given = to.add_between(node, OpType::kExpand, {given}, to_shape(inner), suffix + ".expanded");
  }
  if (to.shape(given).size() != 1) {
    given = to.add_between(node, OpType::kReshape, {given}, to_shape({columns}), suffix);
  }
  return given;
}

/// Over all axes from `axis` on: layer normalisation, and that by the root of the mean square.
void layer_norm(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  const std::size_t axis = axis_of(to, node, shape, -1);
  expect_float_statistics(to, node);
  const bool centred = node.op == "LayerNormalization";
  const std::int64_t since = node.op == "RMSNormalization" ? 23 : 17;
  // ONNX Runtime's tools write it at any opset, into files that import their domain.
  if (node.domain.empty() && node.op != "SimplifiedLayerNormalization" && to.raw().opset < since &&
      !to.raw().microsoft) {
    to.reject(node, "is no operator of opset " + std::to_string(to.raw().opset),
              "it is there from opset " + std::to_string(since) + " on");
  }
  const Shape inner(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
  std::vector<TensorId> inputs{x, as_row(to, node, 1, inner)};
  if (centred && node.has_input(2)) {
    inputs.push_back(as_row(to, node, 2, inner));
  }
  const OpType type = centred ? OpType::kLayerNorm : OpType::kRmsNorm;
  const Attributes attributes{{"epsilon", node.real("epsilon", 1e-5)}};
  if (axis + 1 == shape.size()) {
    to.add(node, type, inputs, attributes, node.outputs.at(0));
    return;
  }
  const Shape rows{product(shape, 0, axis), product(shape, axis, shape.size())};
  inputs[0] = to.add_between(node, OpType::kReshape, {x}, to_shape(rows), ".rows");
  const TensorId y = to.add_between(node, type, inputs, attributes, ".normalised");
  to.add(node, OpType::kReshape, {y}, to_shape(shape), node.outputs.at(0));
}

/// Whether an input is a constant of the graph, and no weight, with `value` everywhere.
bool is_all(Translator& to, const RawNode& node, std::size_t input, float value) {
  const RawTensor* held = to.constant(node, input);
  return held != nullptr && held->constant_node && !held->integers &&
         std::ranges::all_of(held->reals, [&](float v) { return v == value; });
}

/// A vector with an element per channel from one per channel or per group.
TensorId per_channel(Translator& to, const RawNode& node, std::size_t input, std::uint64_t channels,
                     std::uint64_t groups) {
  TensorId given = to.weight(node, input);
  const Shape shape = to.shape(given);
  const std::string suffix = ".input" + std::to_string(input);
  const bool by_group = to.raw().opset < 21 && shape == Shape{groups};
  if (shape != Shape{channels} && !by_group) {
    to.reject(node,
              "scale or bias has shape " + to_string(shape) + " for " + std::to_string(channels) +
                  " channels in " + std::to_string(groups) + " groups",
              "one element per channel is supported, one per group before opset 21");
  }
  if (shape[0] != channels) {
    given =
        to.add_between(node, OpType::kReshape, {given}, to_shape({groups, 1}), suffix + ".column");
    given = to.add_between(node, OpType::kExpand, {given}, to_shape({groups, channels / groups}),
                           suffix + ".expanded");
  }
  return to.add_between(node, OpType::kReshape, {given}, to_shape({channels, 1}), suffix);
}

/// Statistics of each sample's groups of channels, an instance being a group of one: the batch
/// normalisation of one sample that has all groups as channels.
void group_norm(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  expect_float_statistics(to, node);
  if (shape.size() < 2) {
    to.reject(node, "works on data of shape " + to_string(shape),
              "samples and channels are wanted");
  }
  const std::uint64_t channels = shape[1], pixels = product(shape, 2, shape.size());
  std::uint64_t groups = channels;
  if (node.op == "GroupNormalization") {
    const std::int64_t given = node.integer("num_groups", 0);
    if (given < 1 || channels % static_cast<std::uint64_t>(given) != 0) {
      to.reject(node,
                "has num_groups " + std::to_string(given) + " for " + std::to_string(channels) +
                    " channels",
                "it must divide them");
    }
    groups = static_cast<std::uint64_t>(given);
  }
  const std::uint64_t planes = shape[0] * groups;
  const auto vector = [&](const std::string& suffix, float value) {
    return to.add_constant(node, suffix, {planes}, std::vector<float>(planes, value));
  };
  const TensorId flat = to.add_between(
      node, OpType::kReshape, {x}, to_shape({1, planes, channels / groups * pixels}), ".groups");
  const TensorId zeros = vector(".zeros", 0), ones = vector(".ones", 1);
  TensorId y = to.add_between(node, OpType::kBatchNorm, {flat, ones, zeros, zeros, ones},
                              {{"training", std::int64_t{1}},
                               {"epsilon", node.real("epsilon", 1e-5)},
                               {"of_groups", std::int64_t{1}}},
                              ".normalised");
  const bool scaled = !is_all(to, node, 1, 1);
  const bool shifted = !is_all(to, node, 2, 0);
  if (scaled || shifted) {
    y = to.add_between(node, OpType::kReshape, {y}, to_shape({shape[0], channels, pixels}),
                       ".channels");
  }
  if (scaled) {
    y = to.add_between(node, OpType::kMul, {y, per_channel(to, node, 1, channels, groups)}, {},
                       ".scaled");
  }
  if (shifted) {
    y = to.add_between(node, OpType::kAdd, {y, per_channel(to, node, 2, channels, groups)}, {},
                       ".shifted");
  }
  to.add(node, OpType::kReshape, {y}, to_shape(shape), node.outputs.at(0));
}

/// An operator over the last axis, over axis `axis`: between two transposes that swap the two.
void over_axis(Translator& to, const RawNode& node, OpType type) {
  const TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  const bool flattens = to.raw().opset < 13;
  const std::size_t axis = axis_of(to, node, shape, flattens ? 1 : -1);
  if (axis + 1 == shape.size()) {
    to.add(node, type, {x}, {}, node.outputs.at(0));
    return;
  }
  if (flattens) {  // up to opset 12 the extents from axis on are one row
    const Shape rows{product(shape, 0, axis), product(shape, axis, shape.size())};
    const TensorId flat = to.add_between(node, OpType::kReshape, {x}, to_shape(rows), ".rows");
    const TensorId y = to.add_between(node, type, {flat}, {}, ".of_rows");
    to.add(node, OpType::kReshape, {y}, to_shape(shape), node.outputs.at(0));
    return;
  }
  Integers swap(shape.size());
  std::iota(swap.begin(), swap.end(), 0);
  std::swap(swap[axis], swap.back());
  const TensorId turned =
      to.add_between(node, OpType::kTranspose, {x}, {{"perm", swap}}, ".turned");
  const TensorId y = to.add_between(node, type, {turned}, {}, ".of_rows");
  to.add(node, OpType::kTranspose, {y}, {{"perm", swap}}, node.outputs.at(0));
}

void softmax(Translator& to, const RawNode& node) { over_axis(to, node, OpType::kSoftmax); }

void log_softmax(Translator& to, const RawNode& node) {
  if (!to.add_logits(node)) {
    over_axis(to, node, OpType::kLogSoftmax);
  }
}

}  // namespace

Handler norm_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"LayerNormalization", layer_norm},
      {"RMSNormalization", layer_norm},
      {"SimplifiedLayerNormalization", layer_norm},
      {"GroupNormalization", group_norm},
      {"InstanceNormalization", group_norm},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
