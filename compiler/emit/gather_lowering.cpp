// SPDX-License-Identifier: Apache-2.0
// Rows of a table by index, and the sums that come back to them. Which rows a step reads is known
// only when it runs, so every tile of the table meets every tile of indices.
#include <algorithm>
#include <vector>

#include "compiler/emit/families.h"
#include "compiler/feeds/conv_feeds.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

class GatherLowering {
 public:
  GatherLowering(LoweringContext& context, const Operator& op)
      : c_(context),
        node_(context.graph().node(op.node)),
        grad_(node_.op == OpType::kGatherGrad),
        table_(grad_ ? node_.outputs[0] : node_.inputs[0]),
        rows_tensor_(grad_ ? node_.inputs[0] : node_.outputs[0]),
        indices_(node_.inputs[1]),
        table_rows_(static_cast<std::uint32_t>(c_.tensor(table_).shape[0])),
        cols_(static_cast<std::uint32_t>(c_.tensor(table_).elements() / table_rows_)),
        count_(static_cast<std::uint32_t>(c_.tensor(indices_).elements())) {}

  void run() {
    choose_tiles();
    for (std::uint32_t col = 0; col < cols_; col += tile_cols_) {
      const std::uint32_t n = std::min(tile_cols_, cols_ - col);
      grad_ ? scatter(col, n) : gather(col, n);
    }
  }

 private:
  /// Whole rows as far as they fit; the table gets half of the room, because the other side is
  /// walked over again for each of its tiles.
  void choose_tiles() {
    constexpr std::uint32_t kLeastCols = 16;
    constexpr Bytes kSpare{64};
    std::uint32_t copies = c_.step.tiling.double_buffer ? 2 : 1;
    const auto room = [&](Bytes budget) {
      return budget > kSpare ? elements_in((budget - kSpare) / copies) : 0;
    };
    constexpr double kShare = 0.7;
    const std::uint32_t least = 2 * std::min(cols_, kLeastCols) + 1;
    std::uint32_t elements = room(std::min(c_.l1.available(), c_.part_of_l1(kShare)));
    if (elements < least) {
      copies = 1;
      elements = room(c_.l1.available());
    }
    if (elements < least) {
      throw UserError("operator '" + node_.name + "'",
                      "its smallest tiles need " + std::to_string(bytes_for(least).raw()) +
                          " bytes of L1, and " + std::to_string(c_.l1.available().raw()) +
                          " are free",
                      "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
    }
    tile_cols_ = std::min(cols_, (elements - 1) / 2);
    const std::uint32_t half = std::max(1u, elements / 2 / tile_cols_);
    tile_table_ = std::min(table_rows_, half);
    tile_count_ = std::min(count_, (elements - tile_table_ * tile_cols_) / (tile_cols_ + 1));
    tile_table_ = std::min(table_rows_, (elements - tile_count_ * (tile_cols_ + 1)) / tile_cols_);
    open(table_buffers_, copies, tile_table_ * tile_cols_, table_rows_ > tile_table_);
    open(row_buffers_, copies, tile_count_ * tile_cols_, count_ > tile_count_);
    open(index_buffers_, copies, tile_count_, count_ > tile_count_);
  }

  void open(TileBuffers& buffers, std::uint32_t copies, std::uint32_t elements, bool several) {
    buffers.open(c_, several || tile_cols_ < cols_ ? copies : 1, bytes_for(elements));
  }

  L1Matrix indices(std::uint32_t first, std::uint32_t rows) {
    if (const L1Matrix* there = index_buffers_.find({first})) {
      return *there;
    }
    TileBuffers::Slot& slot = index_buffers_.next({first});
    slot.matrix = {slot.address, 1, rows, rows, DType::kInt32};
    c_.tape.load(c_.stored(indices_).behind(first), slot.matrix);
    return slot.matrix;
  }

  /// A tile of one of the two tensors, [rows of cols_], loaded where it is read.
  L1Matrix tile(TensorId tensor, TileBuffers& buffers, std::uint32_t row, std::uint32_t rows,
                std::uint32_t col, std::uint32_t cols, bool read) {
    if (const L1Matrix* there = read ? buffers.find({row, col}) : nullptr) {
      return *there;
    }
    TileBuffers::Slot& slot = buffers.next({row, col});
    slot.matrix = {slot.address, rows, cols, cols, c_.tensor(tensor).dtype};
    if (read) {
      c_.tape.load(stored(tensor, row, col), slot.matrix);
    }
    return slot.matrix;
  }
  StoredMatrix stored(TensorId tensor, std::uint32_t row, std::uint32_t col) const {
    StoredMatrix made = c_.stored(tensor).behind(std::uint64_t{row} * cols_ + col);
    made.pitch = cols_;
    return made;
  }

  void gather(std::uint32_t col, std::uint32_t n) {
    for (std::uint32_t i = 0; i < count_; i += tile_count_) {
      const std::uint32_t m = std::min(tile_count_, count_ - i);
      const L1Matrix index = indices(i, m);
      const L1Matrix made = tile(rows_tensor_, row_buffers_, i, m, col, n, false);
      for (std::uint32_t r = 0; r < table_rows_; r += tile_table_) {
        const std::uint32_t rows = std::min(tile_table_, table_rows_ - r);
        c_.tape.gather(tile(table_, table_buffers_, r, rows, col, n, true), index, made, r);
      }
      c_.tape.store(made, stored(rows_tensor_, i, col));
    }
  }

  void scatter(std::uint32_t col, std::uint32_t n) {
    for (std::uint32_t r = 0; r < table_rows_; r += tile_table_) {
      const std::uint32_t rows = std::min(tile_table_, table_rows_ - r);
      const L1Matrix sums = tile(table_, table_buffers_, r, rows, col, n, false);
      c_.tape.fill({sums.address, 1, sums.elements(), sums.elements()}, 0.0f);
      for (std::uint32_t i = 0; i < count_; i += tile_count_) {
        const std::uint32_t m = std::min(tile_count_, count_ - i);
        const L1Matrix index = indices(i, m);
        c_.tape.scatter_add(tile(rows_tensor_, row_buffers_, i, m, col, n, true), index, sums, r);
      }
      c_.tape.store(sums, stored(table_, r, col));
    }
  }

  LoweringContext& c_;
  const Node& node_;
  bool grad_;
  TensorId table_, rows_tensor_, indices_;
  std::uint32_t table_rows_, cols_, count_;
  std::uint32_t tile_table_ = 1, tile_count_ = 1, tile_cols_ = 1;
  TileBuffers table_buffers_, row_buffers_, index_buffers_;
};

}  // namespace

void lower_gather(LoweringContext& context, const Operator& op) {
  context.layer(op.node);
  GatherLowering(context, op).run();
}

}  // namespace etude::compiler
