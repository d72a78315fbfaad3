// SPDX-License-Identifier: Apache-2.0
// Operators that move or pick elements: Slice, Split, Concat, Pad, Gather, Tile, DepthToSpace,
// SpaceToDepth.
#include <algorithm>
#include <numeric>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

Integers extents_of(const Shape& shape) { return {shape.begin(), shape.end()}; }
Attributes to_shape(const Integers& shape) { return {{"shape", shape}}; }

std::int64_t product(const Integers& extents, std::size_t from, std::size_t to) {
  return std::accumulate(extents.begin() + static_cast<std::ptrdiff_t>(from),
                         extents.begin() + static_cast<std::ptrdiff_t>(to), std::int64_t{1},
                         std::multiplies<>());
}

/// An axis from 0 on. Errors: UserError when it does not exist.
std::size_t axis_from(Translator& to, const RawNode& node, std::int64_t axis, std::size_t rank) {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis < -count || axis >= count) {
    to.reject(
        node, "axis " + std::to_string(axis) + " of " + std::to_string(rank) + " does not exist",
        rank == 0 ? "the input needs an axis"
                  : "axes are from " + std::to_string(-count) + " to " + std::to_string(count - 1));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

/// A part of x as a node's starts, steps and shape have it.
struct Part {
  Integers starts, steps, shape;
  explicit Part(const Shape& whole)
      : starts(whole.size(), 0), steps(whole.size(), 1), shape(extents_of(whole)) {}
  Attributes attributes() const { return {{"starts", starts}, {"steps", steps}, {"shape", shape}}; }
  bool whole(const Shape& of) const {
    return shape == extents_of(of) &&
           std::ranges::all_of(steps, [](std::int64_t s) { return s == 1; });
  }
};

void add_part(Translator& to, const RawNode& node, TensorId x, const Part& part,
              const std::string& output) {
  RawNode made = node;  // each result of a Split is a node of its own
  made.name = node.outputs.size() > 1 ? output : node.name;
  if (part.whole(to.shape(x))) {
    to.add(made, OpType::kReshape, {x}, to_shape(part.shape), output);
  } else {
    to.add(made, OpType::kSlice, {x}, part.attributes(), output);
  }
}

/// One axis of a Slice: negative positions count from the end, those outside are cut.
void cut(Translator& to, const RawNode& node, Part& part, std::size_t axis, std::int64_t start,
         std::int64_t end, std::int64_t step) {
  const std::int64_t extent = part.shape[axis];
  if (step == 0) {
    to.reject(node, "has a step of 0", "steps are positive or negative");
  }
  start += start < 0 ? extent : 0;
  end += end < 0 ? extent : 0;
  const std::int64_t before = step < 0 ? -1 : 0;  // an end of -1 is before the first element
  start = std::clamp<std::int64_t>(start, 0, step < 0 ? extent - 1 : extent);
  end = std::clamp(end, before, extent);
  const std::int64_t span = step > 0 ? end - start : start - end;
  // A step beyond the tensor is one beyond its end.
  step = std::clamp(step, -extent, extent);
  const std::int64_t size = step > 0 ? step : -step;
  if (span <= 0) {
    to.reject(node,
              "takes no element of axis " + std::to_string(axis) + " of " +
                  to_string(Shape(part.shape.begin(), part.shape.end())),
              "results have elements");
  }
  part.starts[axis] = start;
  part.shape[axis] = (span + size - 1) / size;
  part.steps[axis] = part.shape[axis] == 1 ? 1 : step;
}

void slice(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Shape shape = to.shape(x);
  const auto starts = to.integers(node, "starts", 1);
  const auto ends = to.integers(node, "ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) {
    to.reject(node, "has no starts and ends of one length", "give one of each per axis");
  }
  Integers axes(starts->size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = to.integers(node, "axes", 3).value_or(axes);
  const Integers steps = to.integers(node, "steps", 4).value_or(Integers(starts->size(), 1));
  if (axes.size() != starts->size() || steps.size() != starts->size()) {
    to.reject(node, "has axes or steps of another length than starts", "give one of each per axis");
  }
  Part part(shape);
  std::vector<bool> seen(shape.size(), false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_from(to, node, axes[i], shape.size());
    if (seen[axis]) {
      to.reject(node, "has axis " + std::to_string(axis) + " twice", "give every axis once");
    }
    seen[axis] = true;
    cut(to, node, part, axis, (*starts)[i], (*ends)[i], steps[i]);
  }
  add_part(to, node, x, part, node.outputs.at(0));
}

/// Sizes as attribute or input, else equal ones: up to opset 17 by the number of outputs, which
/// must divide the axis; with num_outputs the last one may be smaller.
Integers split_sizes(Translator& to, const RawNode& node, std::int64_t extent) {
  const auto count = static_cast<std::int64_t>(node.outputs.size());
  const std::int64_t declared = node.integer("num_outputs", count);
  Integers sizes = to.integers(node, "split", 1).value_or(Integers{});
  if (sizes.empty()) {
    const bool uneven = node.attributes.contains("num_outputs");
    if (declared != count || (!uneven && extent % count != 0)) {
      to.reject(node,
                "splits " + std::to_string(extent) + " into " + std::to_string(declared) +
                    " with " + std::to_string(count) + " outputs",
                "give one size per output");
    }
    const std::int64_t each = (extent + count - 1) / count;
    sizes.assign(node.outputs.size(), each);
    sizes.back() = extent - each * (count - 1);
  } else if (node.attributes.contains("num_outputs")) {
    to.reject(node, "has num_outputs and sizes", "give one of them");
  }
  const bool positive = std::ranges::all_of(sizes, [](std::int64_t s) { return s > 0; });
  if (!positive || sizes.size() != node.outputs.size() ||
      std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != extent) {
    to.reject(
        node,
        "its sizes are not " + std::to_string(count) + " that add up to " + std::to_string(extent),
        "give one positive size per output");
  }
  return sizes;
}

void split(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Shape shape = to.shape(x);
  const std::size_t axis = axis_from(to, node, node.integer("axis", 0), shape.size());
  Part part(shape);
  const Integers sizes = split_sizes(to, node, part.shape[axis]);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    part.shape[axis] = sizes[i];
    if (node.has_output(i)) {
      add_part(to, node, x, part, node.outputs[i]);
    }
    part.starts[axis] += sizes[i];
  }
}

void concat(Translator& to, const RawNode& node) {
  if (node.inputs.empty() || !node.attributes.contains("axis")) {
    to.reject(node, "has no inputs or no axis", "give both");
  }
  // Samples are those of what is no weight; a class token may have been written once for each.
  std::uint64_t samples = 0;
  for (std::size_t i = 0; i < node.inputs.size() && node.integer("axis", 0) > 0; ++i) {
    if (to.constant(node, i) == nullptr && !to.shape(to.data(node, i)).empty()) {
      samples = to.shape(to.data(node, i))[0];
    }
  }
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(to.weight_of_samples(node, i, samples));
  }
  const Shape shape = to.shape(inputs[0]);
  const std::size_t axis = axis_from(to, node, node.integer("axis", 0), shape.size());
  if (inputs.size() == 1) {
    to.add(node, OpType::kReshape, inputs, to_shape(extents_of(shape)), node.outputs.at(0));
    return;
  }
  to.add(node, OpType::kConcat, inputs, {{"axis", static_cast<std::int64_t>(axis)}},
         node.outputs.at(0));
}

/// What is put around the data: one number, 0 without it.
double pad_value(Translator& to, const RawNode& node) {
  if (!node.has_input(2)) {
    return node.real("value", 0);
  }
  const RawTensor* held = to.constant(node, 2);
  if (held == nullptr || held->reals.size() != 1) {
    to.reject(node, "its value is computed by the graph, or not one number of FLOAT",
              "give it as a constant");
  }
  return held->reals[0];
}

void pad(Translator& to, const RawNode& node) {
  const std::string mode = node.text("mode", "constant");
  if (mode != "constant") {
    to.reject(node, "has the mode '" + mode + "'", "constant is supported");
  }
  TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  const auto pads = to.integers(node, "pads", 1);
  Integers axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = to.integers(node, "axes", 3).value_or(axes);
  if (!pads || pads->size() != 2 * axes.size()) {
    to.reject(node, "has no pads, or not two per axis",
              "give those at all begins, then at all ends");
  }
  Part inner(shape);  // negative pads take elements away
  Part outer(shape);
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  std::vector<bool> seen(shape.size(), false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_from(to, node, axes[i], shape.size());
    const std::int64_t begin = (*pads)[i], end = (*pads)[i + axes.size()];
    const std::int64_t extent = inner.shape[axis];
    const bool too_far = begin < -extent || end < -extent || begin > kMost || end > kMost;
    const std::int64_t left =
        too_far ? 0 : extent + std::min<std::int64_t>(begin, 0) + std::min<std::int64_t>(end, 0);
    if (seen[axis] || left <= 0) {
      to.reject(node,
                "pads axis " + std::to_string(axis) + " of " + to_string(shape) +
                    " twice, too far, or takes all of it away",
                "results keep elements");
    }
    seen[axis] = true;
    inner.starts[axis] = std::max<std::int64_t>(-begin, 0);
    inner.shape[axis] = left;
    outer.starts[axis] = std::max<std::int64_t>(begin, 0);
    outer.shape[axis] = extent + begin + end;
  }
  const double value = pad_value(to, node);
  const bool grows = outer.shape != inner.shape;
  if (!grows) {
    return add_part(to, node, x, inner, node.outputs.at(0));
  }
  if (!inner.whole(shape)) {
    x = to.add_between(node, OpType::kSlice, {x}, inner.attributes(), ".inside");
  }
  Attributes attributes = outer.attributes();
  attributes["value"] = value;
  to.add(node, OpType::kPad, {x}, attributes, node.outputs.at(0));
}

/// Indices that go up or down in equal steps as a slice of axis `axis`; nothing for others.
std::optional<Part> as_slice(const Shape& shape, std::size_t axis, const Integers& indices) {
  Part part(shape);
  const std::int64_t step = indices.size() > 1 ? indices[1] - indices[0] : 1;
  for (std::size_t i = 1; i < indices.size(); ++i) {
    if (indices[i] - indices[i - 1] != step) {
      return std::nullopt;
    }
  }
  if (step == 0) {
    return std::nullopt;
  }
  part.starts[axis] = indices[0];
  part.steps[axis] = step;
  part.shape[axis] = static_cast<std::int64_t>(indices.size());
  return part;
}

/// Rows of x along axis `axis` by the integers of a tensor of the shape `picked`.
void pick(Translator& to, const RawNode& node, TensorId x, std::size_t axis, TensorId indices) {
  const std::size_t rank = to.shape(x).size();
  const std::size_t places = to.shape(indices).size();
  if (axis == 0) {
    to.add(node, OpType::kGather, {x, indices}, {}, node.outputs.at(0));
    return;
  }
  // The axis first; then the indices' axes back to its place.
  Integers first(rank);
  std::iota(first.begin(), first.end(), 0);
  std::rotate(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(axis),
              first.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  const TensorId turned =
      to.add_between(node, OpType::kTranspose, {x}, {{"perm", first}}, ".turned");
  const TensorId rows = to.add_between(node, OpType::kGather, {turned, indices}, {}, ".rows");
  Integers back(rank - 1 + places);
  std::iota(back.begin(), back.end(), 0);
  std::rotate(back.begin(), back.begin() + static_cast<std::ptrdiff_t>(places),
              back.begin() + static_cast<std::ptrdiff_t>(places + axis));
  to.add(node, OpType::kTranspose, {rows}, {{"perm", back}}, node.outputs.at(0));
}

void gather(Translator& to, const RawNode& node) {
  const TensorId x = to.data(node, 0);
  const Shape shape = to.shape(x);
  const std::size_t axis = axis_from(to, node, node.integer("axis", 0), shape.size());
  const RawTensor* held = to.constant(node, 1);
  if (held == nullptr) {
    return pick(to, node, x, axis, to.indices(node, 1));
  }
  if (!held->integers || held->values.empty()) {
    to.reject(node, "its indices '" + node.inputs[1] + "' are no integers",
              "INT64 and INT32 are supported");
  }
  Integers indices = held->values;
  const auto extent = static_cast<std::int64_t>(shape[axis]);
  for (std::int64_t& index : indices) {
    if (index < -extent || index >= extent) {
      to.reject(
          node,
          "index " + std::to_string(index) + " is outside of axis " + std::to_string(axis) +
              " of " + to_string(shape),
          "indices are from " + std::to_string(-extent) + " to " + std::to_string(extent - 1));
    }
    index += index < 0 ? extent : 0;
  }
  const auto part = as_slice(shape, axis, indices);
  if (!part) {
    const TensorId given = to.add_constant(node, ".indices", held->shape,
                                           {indices.begin(), indices.end()}, DType::kInt32);
    return pick(to, node, x, axis, given);
  }
  Integers result = extents_of(shape);
  result.erase(result.begin() + static_cast<std::ptrdiff_t>(axis));
  result.insert(result.begin() + static_cast<std::ptrdiff_t>(axis), held->shape.begin(),
                held->shape.end());
  if (result == part->shape) {
    return add_part(to, node, x, *part, node.outputs.at(0));
  }
  const TensorId taken =
      part->whole(shape) ? x
                         : to.add_between(node, OpType::kSlice, {x}, part->attributes(), ".slice");
  to.add(node, OpType::kReshape, {taken}, to_shape(result), node.outputs.at(0));
}

/// Each axis in turn: [outer, 1, inner] expands to [outer, repeats, inner].
void tile(Translator& to, const RawNode& node) {
  TensorId x = to.value(node, 0);
  Integers shape = extents_of(to.shape(x));
  const auto repeats = to.integers(node, "repeats", 1);
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  if (!repeats || repeats->size() != shape.size() ||
      std::ranges::any_of(*repeats, [](std::int64_t r) { return r < 1 || r > kMost; })) {
    to.reject(node, "has no positive number of repeats for each axis", "give one per axis");
  }
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const std::int64_t times = (*repeats)[axis];
    if (times == 1) {
      continue;
    }
    const std::string suffix = ".axis" + std::to_string(axis);
    const std::int64_t outer = product(shape, 0, axis);
    const std::int64_t inner = product(shape, axis, shape.size());
    x = to.add_between(node, OpType::kReshape, {x}, to_shape({outer, 1, inner}), suffix);
    x = to.add_between(node, OpType::kExpand, {x}, to_shape({outer, times, inner}),
                       suffix + ".repeated");
    shape[axis] *= times;
  }
  to.add(node, OpType::kReshape, {x}, to_shape(shape), node.outputs.at(0));
}

void blocks(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Integers s = extents_of(to.shape(x));
  const std::int64_t b = node.integer("blocksize", 0);
  const bool to_space = node.op == "DepthToSpace";
  const std::string mode = node.text("mode", "DCR");
  if (s.size() != 4 || b < 1 || b > 4096 || (to_space && s[1] % (b * b) != 0) ||
      (!to_space && (s[2] % b != 0 || s[3] % b != 0)) || (mode != "DCR" && mode != "CRD")) {
    to.reject(node,
              "cannot cut " + to_string(to.shape(x)) + " into blocks of " + std::to_string(b) +
                  " in mode " + mode,
              "images whose extents the blocks divide, and modes DCR and CRD, are supported");
  }
  Integers cut{s[0], s[1], s[2] / b, b, s[3] / b, b}, perm{0, 3, 5, 1, 2, 4};
  Integers result{s[0], s[1] * b * b, s[2] / b, s[3] / b};
  if (to_space) {
    const std::int64_t depth = s[1] / (b * b);
    const bool rows_first = mode == "DCR";
    cut = rows_first ? Integers{s[0], b, b, depth, s[2], s[3]}
                     : Integers{s[0], depth, b, b, s[2], s[3]};
    perm = rows_first ? Integers{0, 3, 4, 1, 5, 2} : Integers{0, 1, 4, 2, 5, 3};
    result = {s[0], depth, s[2] * b, s[3] * b};
  }
  const TensorId pieces = to.add_between(node, OpType::kReshape, {x}, to_shape(cut), ".blocks");
  const TensorId turned =
      to.add_between(node, OpType::kTranspose, {pieces}, {{"perm", perm}}, ".turned");
  to.add(node, OpType::kReshape, {turned}, to_shape(result), node.outputs.at(0));
}

}  // namespace

Handler move_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Slice", slice},   {"Split", split}, {"Concat", concat},       {"Pad", pad},
      {"Gather", gather}, {"Tile", tile},   {"DepthToSpace", blocks}, {"SpaceToDepth", blocks},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? einsum_handler_of(op) : found->second;
}

}  // namespace etude::onnxio
