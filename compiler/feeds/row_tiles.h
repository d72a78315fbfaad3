// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "compiler/feeds/context.h"

namespace etude::compiler {

/// How an operand lies under the matrix that an operator walks over.
enum class Spread {
  kFull,    ///< an element of its own for each
  kRow,     ///< one row for all rows
  kColumn,  ///< one element per row
  kScalar,  ///< one element
};

/// The matrix [rows, cols] that an operator walks over in tiles. Rows may come in groups of
/// `period`; a tile lies in one group.
struct TileGrid {
  std::uint32_t rows = 1, cols = 1;
  std::uint32_t period = 1;
};

/// One tile: its place in the grid, and where each operand of it lies in L1.
struct RowTile {
  std::uint32_t row = 0, col = 0, rows = 0, cols = 0;
  std::vector<L1Matrix> at;  ///< by number of the operand; rows that repeat have pitch 0
};

/// Walks over the operands of a row-wise or elementwise operator in tiles: residents of L1 are used
/// where they stand, everything else gets buffers that take turns; results (and inputs) that are
/// read again soon are built up as whole tensors and stay behind.
///
/// Declare the operands, then run(). A tile is whole rows as far as they fit.
class RowTiles {
 public:
  /// `name` of the operator is for errors.
  RowTiles(LoweringContext& context, std::string name, TileGrid grid);

  /// An operand that is read. `by_group`: each group of rows has its own (of a kRow, kColumn or
  /// kScalar).
  std::size_t input(TensorId tensor, Spread spread = Spread::kFull, bool by_group = true);
  /// A result, stored when the body has run. A kRow or kColumn is stored after the last tile of its
  /// columns (in a group) or rows: the bodies before add it up.
  std::size_t output(TensorId tensor, Spread spread = Spread::kFull);
  /// Whether this is the first tile that adds to such a result.
  bool first(const RowTile& tile, Spread spread) const {
    return spread == Spread::kRow ? tile.row % grid_.period == 0 : tile.col == 0;
  }
  /// Read, changed in place and stored.
  std::size_t update(TensorId tensor);
  /// A buffer of the tile's size (kFull), of `words` per row (kColumn) or of a row (kRow).
  std::size_t scratch(Spread spread, std::uint32_t words = 1);

  /// Tiles must be whole rows.
  void whole_rows() { whole_rows_ = true; }
  /// Tiles are better whole columns: the operator before makes its result that way.
  void by_columns() { by_columns_ = true; }
  /// All operands of a tile have one pitch.
  void equal_pitches() { equal_pitches_ = true; }
  /// Cycles that one core spends on an element: more of them are worth more tiles.
  void work(double cycles_per_element) { work_ = cycles_per_element; }
  /// Rows of a tile are a multiple of this where possible.
  void multiple_of(std::uint32_t rows) { multiple_ = rows; }

  /// What the body adds up must not depend on what else stands in L1, and so in which order: tiles
  /// follow from the shape and the size of L1 alone (without `rows_too` only their columns do), and
  /// where they are columns, no operand has a pitch.
  void one_order(bool rows_too = true) { order_ = rows_too ? Order::kTiles : Order::kColumns; }

  /// Loads, calls the body, stores, for each tile in turn.
  /// Errors: UserError naming the operator and the bytes missing when no tile fits; NoRoom where
  /// one would in an L1 without residents.
  void run(const std::function<void(const RowTile&)>& body);

 private:
  struct Operand {
    std::optional<TensorId> tensor;
    Spread spread = Spread::kFull;
    bool by_group = true, read = false, write = false;
    DType type = DType::kFloat32;
    std::uint32_t words = 1;
    std::optional<L1Matrix> whole;  ///< stands in L1, seen as this operator's grid
    bool kept = false;              ///< built up here, stays behind
    bool in_place = false;          ///< stood in L1 before
    std::vector<Address> buffers;
    std::size_t turn = 0;
    std::uint32_t loaded_from = ~0u, loaded_elements = 0;  ///< what the last buffer holds
  };

  /// What of the tiles has to follow from the shape alone.
  enum class Order { kFree, kColumns, kTiles };

  void find_residents();
  void leave_pitches();
  void keep_whole();
  Bytes bytes_of(const Operand& operand, std::uint32_t rows, std::uint32_t cols) const;
  Bytes bytes_of_all(std::uint32_t rows, std::uint32_t cols, std::uint32_t copies,
                     bool alone = false) const;
  bool moves_something() const;
  void choose_tile();
  void choose_tile_in(Bytes free, bool alone, std::uint32_t cols = 0);
  void fit_in_l1();
  void take_buffers();
  std::uint32_t position(const Operand& operand, std::uint32_t row, std::uint32_t col) const;
  L1Matrix place(Operand& operand, const RowTile& tile);
  void store(const Operand& operand, const L1Matrix& matrix, const RowTile& tile);
  void finish();

  LoweringContext& c_;
  std::string name_;
  TileGrid grid_;
  std::vector<Operand> operands_;
  bool whole_rows_ = false, by_columns_ = false, equal_pitches_ = false;
  Order order_ = Order::kFree;
  std::uint32_t multiple_ = 1;
  double work_ = 0;
  std::uint32_t tile_rows_ = 0, tile_cols_ = 0, copies_ = 1;
};

/// The grid of a tensor as it is stored: leading extents times last extent, one group.
TileGrid grid_of(const LoweringContext& context, TensorId tensor);

}  // namespace etude::compiler
