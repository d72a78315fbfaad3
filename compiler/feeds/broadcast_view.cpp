// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/broadcast_view.h"

namespace etude::compiler {

std::optional<BroadcastView> broadcast_view(const Shape& to, const std::vector<Shape>& from) {
  struct Axis {
    std::uint64_t extent;
    std::vector<bool> own;  ///< by operand: has an element for each index
  };
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 1) {
      continue;
    }
    Axis axis{to[i], {}};
    for (const Shape& shape : from) {
      const std::size_t missing = to.size() - shape.size();
      axis.own.push_back(i >= missing && shape[i - missing] != 1);
    }
    if (!axes.empty() && axes.back().own == axis.own) {
      axes.back().extent *= axis.extent;
    } else {
      axes.push_back(std::move(axis));
    }
  }
  if (axes.size() > 3) {
    return std::nullopt;
  }
  const bool alike = axes.size() < 2;
  while (axes.size() < 3) {
    axes.insert(axes.begin(), {1, std::vector<bool>(from.size(), true)});
  }
  if (alike && !to.empty()) {  // rows as they are stored
    axes[1].own = axes[2].own;
    axes[1].extent = axes[2].extent / to.back();
    axes[2].extent = to.back();
  }
  BroadcastView view;
  view.grid = {static_cast<std::uint32_t>(axes[0].extent * axes[1].extent),
               static_cast<std::uint32_t>(axes[2].extent),
               static_cast<std::uint32_t>(axes[1].extent)};
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool row = axes[1].own[i], col = axes[2].own[i];
    const Spread spread = row && col ? Spread::kFull
                          : col      ? Spread::kRow
                          : row      ? Spread::kColumn
                                     : Spread::kScalar;
    const bool one_group = axes[0].extent == 1;
    view.operands.push_back({spread, one_group ? spread == Spread::kFull : axes[0].own[i]});
  }
  return view;
}

}  // namespace etude::compiler
