// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/context.h"

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
  return {object_of.at(storage.base(id)), 4 * (row * cols(id) + col), cols(id)};
}

StoredMatrix LoweringContext::stored(const MatrixView& view, std::uint32_t row,
                                     std::uint32_t col) const {
  return {object_of.at(view.base),
          static_cast<std::uint32_t>(4 * (view.offset + row * view.pitch + col)),
          static_cast<std::uint32_t>(view.pitch)};
}

std::optional<L1Matrix> LoweringContext::resident(const MatrixView& view) {
  const auto found = l1.resident(view.base);
  if (!found) {
    return std::nullopt;
  }
  const std::uint32_t width = found->cols;
  if (found->pitch == width) {
    return L1Matrix{found->address + static_cast<std::uint32_t>(4 * view.offset), view.rows,
                    view.cols, static_cast<std::uint32_t>(view.rows == 1 ? view.cols : view.pitch)};
  }
  const auto row = static_cast<std::uint32_t>(view.offset / width);
  const auto col = static_cast<std::uint32_t>(view.offset % width);
  if (col + view.cols > width || (view.rows > 1 && view.pitch % width != 0)) {
    return std::nullopt;
  }
  const auto step = static_cast<std::uint32_t>(view.rows > 1 ? view.pitch / width : 1);
  return L1Matrix{found->address + 4 * (row * found->pitch + col), view.rows, view.cols,
                  step * found->pitch};
}

bool LoweringContext::whole(const MatrixView& view) const {
  return view.offset == 0 && view.pitch == view.cols &&
         std::uint64_t{view.rows} * view.cols == tensor(view.base).elements();
}

void LoweringContext::set_operators(std::vector<Operator> ordered) {
  operators = std::move(ordered);
  uses.assign(graph().tensors().size(), {});
  for (std::size_t i = 0; i < operators.size(); ++i) {
    for (NodeId member : operators[i].nodes()) {
      for (TensorId input : graph().node(member).inputs) {
        auto& list = uses[storage.base(input)];
        if (list.empty() || list.back() != i) {
          list.push_back(static_cast<std::uint32_t>(i));
        }
      }
    }
  }
}

std::size_t LoweringContext::next_use(TensorId id) const {
  const auto& list = uses.at(storage.base(id));
  const auto next = std::ranges::upper_bound(list, current);
  return next == list.end() ? ~std::size_t{0} : *next - current;
}

}  // namespace etude
