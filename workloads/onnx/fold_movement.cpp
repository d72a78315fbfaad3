// SPDX-License-Identifier: Apache-2.0
// Constants that are moved, cut, joined, repeated or filled.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "workloads/onnx/folding.h"
#include "workloads/ops/broadcast.h"

namespace etude::onnxio {

namespace {

using Results = std::vector<RawTensor>;

/// A tensor of `shape` whose element i is the element index(i) of `from`.
template <typename Index>
RawTensor picked(const RawTensor& from, const Integers& shape, Index index) {
  RawTensor made = folded_tensor(shape, from.type);
  const auto pick = [&](auto& to, const auto& source) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = source.at(index(i));
    }
  };
  pick(made.reals, from.reals);
  pick(made.values, from.values);
  return made;
}

Results with_shape(const RawTensor& from, const Integers& shape) {
  const Integers own = extents_of(from);
  if (product(shape) != product(own)) {
    throw Refusal{
        "makes " + to_string(Shape(shape.begin(), shape.end())) + " of " + to_string(from.shape),
        "both have as many elements"};
  }
  return {picked(from, shape, [](std::size_t i) { return i; })};
}

/// Elements between neighbours along each axis.
Integers strides_of(const Integers& shape) {
  Integers strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * shape[i];
  }
  return strides;
}

/// The element of a source that element `i` of `shape` reads: where each axis begins, and what a
/// step along it is worth there.
struct View {
  Integers shape;
  Integers steps;
  std::int64_t first = 0;

  std::size_t operator()(std::size_t i) const {
    std::int64_t at = first;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at += rest % shape[axis] * steps[axis];
      rest /= shape[axis];
    }
    return static_cast<std::size_t>(at);
  }
};

RawTensor viewed(const RawTensor& from, const View& view) {
  return picked(from, view.shape, [&](std::size_t i) { return view(i); });
}

Results identity(const FoldNode& n) { return with_shape(n.input(0), extents_of(n.input(0))); }

Results shape(const FoldNode& n) {
  const auto rank = static_cast<std::int64_t>(n.input(0).shape.size());
  const auto bound = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = bound(n.node.integer("start", 0));
  const std::int64_t end = std::max(start, bound(n.node.integer("end", rank)));
  const Integers all = extents_of(n.input(0));
  Integers part(all.begin() + start, all.begin() + end);
  return {integer_tensor({part.size()}, part)};
}

Results size(const FoldNode& n) {
  const auto& extents = n.input(0).shape;
  std::uint64_t elements = 1;
  for (std::uint64_t extent : extents) {
    elements *= extent;
  }
  return {integer_tensor({}, {static_cast<std::int64_t>(elements)})};
}

Results reshape(const FoldNode& n) {
  const auto wanted = n.list("shape", 1);
  if (!wanted) {
    throw Refusal{"has no shape", "give it as the second input"};
  }
  const bool allowzero = n.node.integer("allowzero", 0) != 0;
  return with_shape(n.input(0), reshaped(extents_of(n.input(0)), *wanted, allowzero));
}

Results flatten(const FoldNode& n) {
  return with_shape(n.input(0), flattened(extents_of(n.input(0)), n.node.integer("axis", 1)));
}

Results squeeze(const FoldNode& n) {
  const Integers from = extents_of(n.input(0));
  Integers ones;
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == 1) {
      ones.push_back(static_cast<std::int64_t>(axis));
    }
  }
  return with_shape(n.input(0), squeezed(from, n.list("axes", 1).value_or(ones)));
}

Results unsqueeze(const FoldNode& n) {
  const auto axes = n.list("axes", 1);
  if (!axes) {
    throw Refusal{"has no axes", "give them as attribute or input"};
  }
  return with_shape(n.input(0), unsqueezed(extents_of(n.input(0)), *axes));
}

Results transpose(const FoldNode& n) {
  const Integers from = extents_of(n.input(0));
  Integers perm(from.size());
  std::iota(perm.rbegin(), perm.rend(), 0);
  perm = n.node.integers("perm").value_or(perm);
  Integers each(from.size());
  std::iota(each.begin(), each.end(), 0);
  if (!std::ranges::is_permutation(perm, each)) {
    throw Refusal{"its perm names other axes than " + to_string(n.input(0).shape) + " has",
                  "give every axis once"};
  }
  const Integers strides = strides_of(from);
  View view;
  for (std::int64_t axis : perm) {
    view.shape.push_back(from[static_cast<std::size_t>(axis)]);
    view.steps.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  return {viewed(n.input(0), view)};
}

Results expand(const FoldNode& n) {
  const Integers& wanted = n.integers(1);
  folded_tensor(wanted, kBoolType);  // refused before it is made
  const auto shape = ops::broadcast(n.input(0).shape, Shape(wanted.begin(), wanted.end()));
  if (!shape) {
    throw Refusal{"does not expand " + to_string(n.input(0).shape) + " to " +
                      to_string(Shape(wanted.begin(), wanted.end())),
                  "extents are equal or 1"};
  }
  const Integers extents(shape->begin(), shape->end());
  folded_tensor(extents, kBoolType);
  const auto offsets = ops::broadcast_offsets(n.input(0).shape, *shape);
  return {picked(n.input(0), extents, [&](std::size_t i) { return offsets[i]; })};
}

Results tile(const FoldNode& n) {
  const Integers from = extents_of(n.input(0));
  const Integers& repeats = n.integers(1);
  if (repeats.size() != from.size()) {
    throw Refusal{"has " + std::to_string(repeats.size()) + " repeats for " +
                      std::to_string(from.size()) + " axes",
                  "give one for every axis"};
  }
  Integers shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (repeats[i] < 0 || repeats[i] > kMostElements) {
      throw Refusal{"repeats " + std::to_string(repeats[i]) + " times",
                    "at most 2^28 are supported"};
    }
    shape.push_back(from[i] * repeats[i]);
  }
  const Integers strides = strides_of(from);
  return {picked(n.input(0), shape, [&](std::size_t i) {
    std::int64_t at = 0;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at += rest % shape[axis] % from[axis] * strides[axis];
      rest /= shape[axis];
    }
    return static_cast<std::size_t>(at);
  })};
}

Results gather(const FoldNode& n) {
  const RawTensor& data = n.input(0);
  const Integers from = extents_of(data);
  const std::size_t axis = one_axis(n.node.integer("axis", 0), from.size());
  const Integers& indices = n.integers(1);
  const auto at = from.begin() + static_cast<std::ptrdiff_t>(axis);
  const std::int64_t inner = product({at + 1, from.end()});
  Integers shape(from.begin(), at);
  for (std::uint64_t extent : n.input(1).shape) {
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  shape.insert(shape.end(), at + 1, from.end());
  for (std::int64_t index : indices) {
    if (index < -from[axis] || index >= from[axis]) {
      throw Refusal{"takes element " + std::to_string(index) + " of " + std::to_string(from[axis]),
                    "indices lie inside the axis"};
    }
  }
  const auto count = static_cast<std::int64_t>(indices.size());
  return {picked(data, shape, [&](std::size_t i) {
    const auto flat = static_cast<std::int64_t>(i);
    std::int64_t index = indices[static_cast<std::size_t>(flat / inner % count)];
    index = index < 0 ? index + from[axis] : index;
    return static_cast<std::size_t>((flat / inner / count * from[axis] + index) * inner +
                                    flat % inner);
  })};
}

/// Slice: up to opset 9 by attributes.
Results slice(const FoldNode& n) {
  const Integers from = extents_of(n.input(0));
  const auto starts = n.list("starts", 1);
  const auto ends = n.list("ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) {
    throw Refusal{"has no starts and ends of one length", "give both"};
  }
  Integers axes(starts->size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = n.list("axes", 3).value_or(axes);
  const Integers steps = n.has(4) ? n.integers(4) : Integers(starts->size(), 1);
  if (axes.size() != starts->size() || steps.size() != starts->size()) {
    throw Refusal{"has starts, axes and steps of different lengths", "give one for every axis"};
  }
  sorted_axes(axes, from.size());
  View view{from, strides_of(from), 0};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = one_axis(axes[i], from.size());
    const std::int64_t extent = from[axis];
    const std::int64_t step = std::clamp(steps[i], -kMostElements, kMostElements);
    if (step == 0) {
      throw Refusal{"has the step 0", "steps are not 0"};
    }
    if (extent == 0) {
      continue;
    }
    const auto bound = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
      const std::int64_t near = std::clamp(at, -kMostElements - 1, kMostElements + 1);
      return std::clamp(near < 0 ? near + extent : near, low, high);
    };
    const std::int64_t start =
        step > 0 ? bound((*starts)[i], 0, extent) : bound((*starts)[i], 0, extent - 1);
    const std::int64_t end =
        step > 0 ? bound((*ends)[i], 0, extent) : bound((*ends)[i], -1, extent - 1);
    const std::int64_t reach = step > 0 ? end - start + step - 1 : start - end - step - 1;
    view.shape[axis] = std::max<std::int64_t>(0, reach / std::abs(step));
    view.first += start * view.steps[axis];
    view.steps[axis] *= step;
  }
  return {viewed(n.input(0), view)};
}

Results concat(const FoldNode& n) {
  const RawTensor& first = n.input(0);
  const Integers from = extents_of(first);
  if (!n.node.attributes.contains("axis")) {
    throw Refusal{"has no axis", "give one"};
  }
  const std::size_t axis = one_axis(n.node.integer("axis", 0), from.size());
  Integers shape = from;
  shape[axis] = 0;
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    Integers own = extents_of(n.input(i));
    const std::int64_t extent = axis < own.size() ? own[axis] : 0;
    if (axis < own.size()) {
      own[axis] = from[axis];
    }
    if (own != from || n.input(i).type != first.type) {
      throw Refusal{"joins " + to_string(first.shape) + " and " + to_string(n.input(i).shape) +
                        ", or different types",
                    "types and all other extents are equal"};
    }
    shape[axis] += extent;
  }
  RawTensor made = folded_tensor(shape, first.type);
  const auto at = from.begin() + static_cast<std::ptrdiff_t>(axis);
  const auto rows = static_cast<std::size_t>(product({from.begin(), at}));
  const auto inner = static_cast<std::size_t>(product({at + 1, from.end()}));
  const auto row = static_cast<std::size_t>(shape[axis]) * inner;
  std::size_t column = 0;
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    const std::size_t width = n.input(i).shape[axis] * inner;
    const auto copy = [&](auto& to, const auto& source) {
      for (std::size_t r = 0; !source.empty() && r < rows; ++r) {
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(r * width), width,
                    to.begin() + static_cast<std::ptrdiff_t>(r * row + column));
      }
    };
    copy(made.reals, n.input(i).reals);
    copy(made.values, n.input(i).values);
    column += width;
  }
  return {made};
}

Results split(const FoldNode& n) {
  const Integers from = extents_of(n.input(0));
  const std::size_t axis = one_axis(n.node.integer("axis", 0), from.size());
  const auto parts = static_cast<std::int64_t>(n.node.outputs.size());
  auto sizes = n.list("split", 1);
  if (!sizes) {
    const std::int64_t each = (from[axis] + parts - 1) / parts;
    sizes.emplace(static_cast<std::size_t>(parts), each);
    sizes->back() = from[axis] - each * (parts - 1);
  }
  const bool fits = static_cast<std::int64_t>(sizes->size()) == parts &&
                    std::ranges::all_of(*sizes, [](std::int64_t s) { return s >= 0; }) &&
                    product(*sizes) <= kMostElements &&
                    std::accumulate(sizes->begin(), sizes->end(), std::int64_t{0}) == from[axis];
  if (!fits) {
    throw Refusal{"does not split " + std::to_string(from[axis]) + " into its " +
                      std::to_string(parts) + " outputs",
                  "give a size for each, which together are the axis"};
  }
  Results results;
  View view{from, strides_of(from), 0};
  for (std::int64_t each : *sizes) {
    view.shape[axis] = each;
    results.push_back(viewed(n.input(0), view));
    view.first += each * view.steps[axis];
  }
  return results;
}

Results constant_of_shape(const FoldNode& n) {
  const auto found = n.node.attributes.find("value");
  RawTensor zero;
  zero.reals = {0.0f};
  const RawTensor& value =
      found == n.node.attributes.end() ? zero : std::get<RawTensor>(found->second);
  if (value.reals.size() + value.values.size() != 1) {
    throw Refusal{"its value has the shape " + to_string(value.shape), "it has one element"};
  }
  return {picked(value, n.integers(0), [](std::size_t) { return 0; })};
}

Results trilu(const FoldNode& n) {
  const RawTensor& from = n.input(0);
  const Integers shape = extents_of(from);
  const std::int64_t k = n.has(1) && n.integers(1).size() == 1 ? n.integers(1)[0] : 0;
  if (shape.size() < 2 || k > kMostElements || k < -kMostElements) {
    throw Refusal{"works on " + to_string(from.shape), "matrices are supported"};
  }
  RawTensor made = with_shape(from, shape)[0];
  const bool upper = n.node.integer("upper", 1) != 0;
  const std::int64_t columns = shape.back();
  const std::int64_t rows = shape[shape.size() - 2];
  const auto clear = [&](auto& elements) {
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const auto flat = static_cast<std::int64_t>(i);
      const std::int64_t diagonal = flat % columns - flat / columns % rows;
      if (upper ? diagonal < k : diagonal > k) {
        elements[i] = 0;
      }
    }
  };
  clear(made.reals);
  clear(made.values);
  return {made};
}

/// Range of numbers of one type.
Results range(const FoldNode& n) {
  const RawTensor& start = n.input(0);
  const auto first = [&](std::size_t i) {
    const RawTensor& given = n.input(i);
    if (given.type != start.type || given.reals.size() + given.values.size() != 1 ||
        given.type == kBoolType) {
      throw Refusal{"its ends and step are no numbers of one type", "give three single numbers"};
    }
    return given.integers ? static_cast<double>(given.values[0]) : double{given.reals[0]};
  };
  const double from = first(0);
  const double count = std::ceil((first(1) - from) / first(2));
  const bool exact =
      start.type == kFloatType || start.type == kDoubleType ||
      (std::fabs(from) < 0x1p53 && std::fabs(first(1)) < 0x1p53 && std::fabs(first(2)) < 0x1p53);
  if (first(2) == 0 || !(count < 0x1p62) || !exact) {
    throw Refusal{"its ends and step make no sequence", "the step is not 0"};
  }
  RawTensor made =
      folded_tensor({std::max<std::int64_t>(0, static_cast<std::int64_t>(count))}, start.type);
  for (std::size_t i = 0; i < made.reals.size(); ++i) {
    made.reals[i] = start.reals[0] + static_cast<float>(i) * n.input(2).reals[0];
  }
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] = start.values[0] + static_cast<std::int64_t>(i) * n.input(2).values[0];
  }
  return {made};
}

}  // namespace

Fold movement_fold_of(const std::string& op) {
  static const std::map<std::string, Fold> folds{
      {"Identity", identity},   {"Shape", shape},         {"Size", size},
      {"Reshape", reshape},     {"Flatten", flatten},     {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze}, {"Transpose", transpose}, {"Expand", expand},
      {"Tile", tile},           {"Gather", gather},       {"Slice", slice},
      {"Concat", concat},       {"Split", split},         {"ConstantOfShape", constant_of_shape},
      {"Trilu", trilu},         {"Range", range},
  };
  const auto found = folds.find(op);
  return found == folds.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
