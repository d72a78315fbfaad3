// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/shape_rules.h"

#include <algorithm>
#include <numeric>

#include "workloads/graph/graph.h"

namespace etude::onnxio {

std::int64_t product(const Integers& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1},
                         [](std::int64_t a, std::int64_t b) {
                           return std::min(a * std::min(b, kMostElements), kMostElements + 1);
                         });
}

std::size_t one_axis(std::int64_t axis, std::size_t rank, bool end) {
  const auto count = static_cast<std::int64_t>(rank);
  const std::int64_t last = end ? count : count - 1;
  if (axis < -count || axis > last) {
    throw Refusal{"axis " + std::to_string(axis) + " does not exist",
                  "axes are from " + std::to_string(-count) + " to " + std::to_string(last)};
  }
  return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

Integers sorted_axes(Integers axes, std::size_t rank) {
  for (std::int64_t& axis : axes) {
    axis = static_cast<std::int64_t>(one_axis(axis, rank));
  }
  std::ranges::sort(axes);
  if (const auto twice = std::ranges::adjacent_find(axes); twice != axes.end()) {
    throw Refusal{"has axis " + std::to_string(*twice) + " twice", "give every axis once"};
  }
  return axes;
}

Integers reshaped(const Integers& from, Integers wanted, bool allowzero) {
  const auto free = std::ranges::find(wanted, -1);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && !allowzero && i < from.size()) {
      wanted[i] = from[i];
    }
    if (wanted[i] < -1 || wanted[i] > kMostElements || std::ranges::count(wanted, -1) > 1) {
      throw Refusal{"its shape cannot be read", "extents are positive, one of them may be -1"};
    }
  }
  if (free != wanted.end()) {
    *free = 1;
    const std::int64_t others = product(wanted);
    *free = others > 0 ? product(from) / others : 0;
  }
  return wanted;
}

Integers flattened(const Integers& from, std::int64_t axis) {
  const auto split = static_cast<std::ptrdiff_t>(one_axis(axis, from.size(), true));
  return {product({from.begin(), from.begin() + split}),
          product({from.begin() + split, from.end()})};
}

Integers squeezed(const Integers& from, const Integers& axes) {
  const Integers gone = sorted_axes(axes, from.size());
  Integers shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (std::ranges::count(gone, static_cast<std::int64_t>(i)) == 0) {
      shape.push_back(from[i]);
    } else if (from[i] != 1) {
      throw Refusal{"takes axis " + std::to_string(i) + " of " +
                        to_string(Shape(from.begin(), from.end())) + " away",
                    "an axis that goes has one element"};
    }
  }
  return shape;
}

Integers unsqueezed(Integers from, const Integers& axes) {
  for (std::int64_t axis : sorted_axes(axes, from.size() + axes.size())) {
    from.insert(from.begin() + std::min<std::int64_t>(axis, static_cast<std::int64_t>(from.size())),
                1);
  }
  return from;
}

}  // namespace etude::onnxio
