// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/context.h"

#include <algorithm>

namespace etude {

std::uint32_t LoweringContext::rows(TensorId id) const {
  const Shape& shape = tensor(id).shape;
  return shape.size() < 2 ? 1 : static_cast<std::uint32_t>(tensor(id).elements() / shape.back());
}

std::uint32_t LoweringContext::cols(TensorId id) const {
  const Shape& shape = tensor(id).shape;
  return shape.empty() ? 1 : static_cast<std::uint32_t>(shape.back());
}

StoredMatrix LoweringContext::stored(TensorId id, std::uint32_t row, std::uint32_t col) const {
  const TensorId place = tensor(id).alias_of.value_or(id);
  return {object_of.at(place), 4 * (row * cols(id) + col), cols(id)};
}

std::size_t LoweringContext::next_use(TensorId id) const {
  for (std::size_t i = current + 1; i < operators.size(); ++i) {
    for (NodeId member : operators[i].nodes()) {
      const auto& inputs = graph().node(member).inputs;
      if (std::ranges::count(inputs, id) > 0) {
        return i - current;
      }
    }
  }
  return ~std::size_t{0};
}

}  // namespace etude
