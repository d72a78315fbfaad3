// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etude::onnxio {

using Integers = std::vector<std::int64_t>;

/// What a node asks for does not work: thrown where the node itself is not known, and told with it
/// by Translator::translate().
struct Refusal {
  std::string what;
  std::string allowed;
};

/// No value has more elements; also the largest extent.
constexpr std::int64_t kMostElements = std::int64_t{1} << 28;

/// The product of extents that are not negative, at most a little above kMostElements.
std::int64_t product(const Integers& extents);

/// Axes from 0 to rank - 1, ascending. Throws Refusal for one that does not exist or stands twice.
Integers sorted_axes(Integers axes, std::size_t rank);
/// One axis from 0 to rank - 1; `end`: rank itself is one, too.
std::size_t one_axis(std::int64_t axis, std::size_t rank, bool end = false);

/// The shape that ONNX's Reshape gives: 0 keeps an extent (unless `allowzero`), -1 is what is left.
Integers reshaped(const Integers& from, Integers wanted, bool allowzero);
/// Flatten: [product before axis, product from axis on].
Integers flattened(const Integers& from, std::int64_t axis);
/// Squeeze without those axes, each of one element.
Integers squeezed(const Integers& from, const Integers& axes);
/// Unsqueeze: extents of 1 where the result has the axes.
Integers unsqueezed(Integers from, const Integers& axes);

}  // namespace etude::onnxio
