// SPDX-License-Identifier: Apache-2.0
// Sums over some axes of a tensor.
#include <algorithm>
#include <vector>

#include "compiler/emit/families.h"
#include "compiler/feeds/row_tiles.h"
#include "compiler/operators/not_available.h"
#include "compiler/tiling/gemm_tiling.h"

namespace etude::compiler {

namespace {

/// Columns that a column sum should have, so that every core has some.
constexpr std::uint32_t kWide = 64;
/// Rows for each of those side by side, below which no more are put there.
constexpr std::uint32_t kLeastFolded = 4;

/// Neighbouring axes that are all summed over, or all kept, as one.
struct Axis {
  std::uint32_t extent = 1;
  bool summed = false;
};

std::vector<Axis> axes_of(const LoweringContext& c, const Node& node) {
  const Shape& shape = c.tensor(node.inputs[0]).shape;
  std::vector<bool> summed(shape.size(), false);
  for (const std::int64_t axis : node.integers("axes", {0})) {
    summed[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(shape.size())
                                             : axis)] = true;
  }
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) {
      continue;
    }
    const auto extent = static_cast<std::uint32_t>(shape[i]);
    if (!axes.empty() && axes.back().summed == summed[i]) {
      axes.back().extent *= extent;
    } else {
      axes.push_back({extent, summed[i]});
    }
  }
  return axes;
}

class Reduction {
 public:
  Reduction(LoweringContext& context, const Node& node)
      : c_(context), node_(node), x_(node.inputs[0]), y_(node.outputs[0]) {}

  void run() {
    auto axes = axes_of(c_, node_);
    if (axes.empty() || (axes.size() == 1 && !axes[0].summed)) {
      return columns(1, 1, static_cast<std::uint32_t>(c_.tensor(x_).elements()));
    }
    if (axes.size() == 1) {  // everything: sums of columns, then over them
      return columns(1, axes[0].extent, 1);
    }
    if (axes.size() == 2) {
      return axes[0].summed ? columns(1, axes[0].extent, axes[1].extent)
                            : rows(1, axes[0].extent, axes[1].extent);
    }
    if (axes.size() == 3) {
      return axes[1].summed ? columns(axes[0].extent, axes[1].extent, axes[2].extent)
                            : rows(axes[0].extent, axes[1].extent, axes[2].extent);
    }
    throw NotAvailable("node '" + node_.name + "'",
                       "sums over alternate axes are not available on the simulated chip",
                       "sum over neighbouring axes, or over all but neighbouring ones");
  }

 private:
  /// The result as a buffer; it is stored and, if it is read soon, kept.
  void result_is(const L1Matrix& sums) {
    const std::uint32_t count = sums.rows * sums.cols;
    c_.tape.store({sums.address, 1, count, count}, c_.stored(y_));
    if (c_.worth_keeping(y_)) {
      c_.l1.keep(y_, false, {sums.address, c_.rows(y_), c_.cols(y_), c_.cols(y_)});
    }
  }

  Address take_result() {
    return c_.l1.take(c_.bytes(y_) +
                      read_ahead(c_.rows(y_), c_.cols(y_), c_.step.platform.cluster.redmule));
  }

  /// Rows side by side are dense ones: what stands in L1 with a pitch comes from L2, so that sums
  /// have one order.
  void fold_dense() {
    if (const auto here = c_.l1.resident(x_); here && here->pitch != here->cols && here->rows > 1) {
      c_.l1.drop(x_);
    }
  }

  /// [groups, rows, cols] summed over the rows. Few columns are summed as several of them, side by
  /// side: `fold` rows count as one long row.
  void columns(std::uint32_t groups, std::uint32_t rows, std::uint32_t cols) {
    if (c_.bytes(y_) > c_.l1.capacity() / 8) {
      return in_tiles({groups * rows, cols, rows}, Spread::kRow);
    }
    std::uint32_t fold = 1;
    while (2 * fold * cols <= kWide && kLeastFolded * fold <= rows) {
      fold *= 2;
    }
    if (fold > 1) {
      fold_dense();
    }
    const L1Matrix sums{take_result(), groups, cols, cols};
    const Address partial = fold > 1 ? c_.l1.take(bytes_for(groups * fold * cols)) : sums.address;
    std::vector<bool> begun(groups, false), rest_begun(groups, false);
    RowTiles tiles(c_, node_.name, {groups * rows, cols, rows});
    tiles.multiple_of(fold);
    const std::size_t x = tiles.input(x_);
    tiles.run([&](const RowTile& tile) {
      const std::uint32_t group = tile.row / rows;
      const L1Matrix& m = tile.at[x];
      const std::uint32_t whole = fold > 1 ? tile.rows / fold : 0;
      const std::uint32_t width = fold * cols;
      if (whole > 0) {
        c_.tape.column_sum({m.address, whole, width, width}, partial + bytes_for(group * width),
                           begun[group]);
        begun[group] = true;
      }
      const std::uint32_t done = whole * fold;
      if (done == tile.rows) {
        return;
      }
      const L1Matrix rest = m.slice(done, 0, tile.rows - done, tile.cols);
      if (fold == 1) {
        c_.tape.column_sum(rest, sums.at(group, tile.col), tile.row % rows > 0);
        return;
      }
      c_.tape.column_sum(rest, sums.at(group, 0), rest_begun[group]);
      rest_begun[group] = true;
    });
    for (std::uint32_t group = 0; fold > 1 && group < groups; ++group) {
      if (begun[group]) {
        c_.tape.column_sum({partial + bytes_for(group * fold * cols), fold, cols, cols},
                           sums.at(group, 0), rest_begun[group]);
      }
    }
    result_is(sums);
  }

  /// [outer, rows, cols] summed over the columns and, if there are several, over the outer extent.
  void rows(std::uint32_t outer, std::uint32_t rows, std::uint32_t cols) {
    if (outer == 1 && c_.bytes(y_) > c_.l1.capacity() / 8) {
      return in_tiles({rows, cols, rows}, Spread::kColumn);
    }
    const L1Matrix sums{take_result(), 1, rows, rows};
    const Address each = outer > 1 ? c_.l1.take(bytes_for(outer * rows)) : sums.address;
    RowTiles tiles(c_, node_.name, {outer * rows, cols, outer * rows});
    tiles.multiple_of(c_.step.platform.cluster.cores);
    tiles.one_order(false);
    const std::size_t x = tiles.input(x_);
    tiles.run([&](const RowTile& tile) {
      c_.tape.row_sum(tile.at[x], each + bytes_for(tile.row), tile.col > 0);
    });
    if (outer > 1) {
      c_.tape.column_sum({each, outer, rows, rows}, sums.address, false);
    }
    result_is(sums);
  }

  /// A result too large to stand in L1 as a whole.
  void in_tiles(const TileGrid& grid, Spread spread) {
    RowTiles tiles(c_, node_.name, grid);
    if (spread == Spread::kColumn) {
      tiles.one_order(false);
    }
    const std::size_t x = tiles.input(x_);
    const std::size_t y = tiles.output(y_, spread);
    tiles.run([&](const RowTile& tile) {
      const bool accumulate = !tiles.first(tile, spread);
      if (spread == Spread::kRow) {
        c_.tape.column_sum(tile.at[x], tile.at[y].address, accumulate);
      } else {
        c_.tape.row_sum(tile.at[x], tile.at[y].address, accumulate);
      }
    });
  }

  LoweringContext& c_;
  const Node& node_;
  TensorId x_, y_;
};

}  // namespace

void lower_reduce(LoweringContext& c, const Operator& op) {
  c.layer(op.node);
  Reduction(c, c.graph().node(op.node)).run();
}

}  // namespace etude::compiler
