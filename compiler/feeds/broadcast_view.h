// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/feeds/row_tiles.h"

namespace etude::compiler {

/// Tensors that broadcast to a shape, as one matrix with rows in groups.
struct BroadcastView {
  struct Operand {
    Spread spread = Spread::kFull;
    bool by_group = true;
  };
  TileGrid grid;
  std::vector<Operand> operands;
};

/// How tensors of the shapes `from` lie under a tensor of shape `to`, which they broadcast to
/// (aligned at the last extent). Neighbouring axes along which all of them behave alike become one;
/// nothing when more than three are left.
std::optional<BroadcastView> broadcast_view(const Shape& to, const std::vector<Shape>& from);

}  // namespace etude::compiler
