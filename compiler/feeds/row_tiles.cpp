// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/row_tiles.h"

#include <algorithm>

#include "compiler/tiling/gemm_tiling.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Elements below which a tile is not worth a kernel of its own.
constexpr std::uint32_t kSmallTile = 1536;
/// Tiles of an operator, so that its transfers run under its computation.
constexpr std::uint32_t kTiles = 8;
/// Cycles of computation that are worth a kernel of their own where nothing has to be moved: the
/// unit that makes the operand, or reads the result, then works on other pieces meanwhile.
constexpr double kWorthAKernel = 1500;
/// Part of L1 that an operator's buffers take at most, so that the next one can start beside it.
constexpr double kShare = 0.45;
/// What the allocator adds to a buffer at most.
constexpr Bytes kPadding{8};

}  // namespace

TileGrid grid_of(const LoweringContext& context, TensorId tensor) {
  const std::uint32_t rows = context.rows(tensor);
  return {rows, context.cols(tensor), rows};
}

RowTiles::RowTiles(LoweringContext& context, std::string name, TileGrid grid)
    : c_(context), name_(std::move(name)), grid_(grid) {}

std::size_t RowTiles::input(TensorId tensor, Spread spread, bool by_group) {
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    const Operand& other = operands_[i];
    if (other.tensor == tensor && other.spread == spread && other.by_group == by_group &&
        !other.write) {
      return i;
    }
  }
  Operand made;
  made.tensor = tensor;
  made.type = c_.tensor(tensor).dtype;
  made.spread = spread;
  made.by_group = by_group;
  made.read = true;
  operands_.push_back(made);
  return operands_.size() - 1;
}

std::size_t RowTiles::output(TensorId tensor, Spread spread) {
  Operand made;
  made.tensor = tensor;
  made.type = c_.tensor(tensor).dtype;
  made.spread = spread;
  made.write = true;
  operands_.push_back(made);
  return operands_.size() - 1;
}

std::size_t RowTiles::update(TensorId tensor) {
  const std::size_t number = output(tensor);
  operands_[number].read = true;
  return number;
}

std::size_t RowTiles::scratch(Spread spread, std::uint32_t words) {
  Operand made;
  made.spread = spread;
  made.words = words;
  operands_.push_back(made);
  return operands_.size() - 1;
}

/// Element of the tensor that stands at (row, col) of the grid.
std::uint32_t RowTiles::position(const Operand& operand, std::uint32_t row,
                                 std::uint32_t col) const {
  const std::uint32_t group = operand.by_group ? row / grid_.period : 0;
  const std::uint32_t inside = row % grid_.period;
  switch (operand.spread) {
    case Spread::kFull:
      return (group * grid_.period + inside) * grid_.cols + col;
    case Spread::kRow:
      return group * grid_.cols + col;
    case Spread::kColumn:
      return group * grid_.period + inside;
    case Spread::kScalar:
      return group;
  }
  return 0;
}

void RowTiles::find_residents() {
  for (Operand& operand : operands_) {
    if (!operand.tensor || !operand.read) {
      continue;
    }
    const auto found = c_.l1.resident(*operand.tensor);
    if (!found) {
      continue;
    }
    const bool dense = found->pitch == found->cols || found->rows == 1;
    const bool same = operand.spread == Spread::kFull && operand.by_group &&
                      found->cols == grid_.cols && found->rows == grid_.rows;
    if (!dense && (!same || equal_pitches_)) {
      continue;  // it is stored as well
    }
    operand.whole = *found;
    operand.whole->pitch = dense ? grid_.cols : found->pitch;
    operand.in_place = true;
  }
}

/// Columns of what stands in L1 as a whole have a pitch, columns in buffers have none.
void RowTiles::leave_pitches() {
  for (Operand& operand : operands_) {
    if (operand.whole && (tile_cols_ != grid_.cols || operand.whole->pitch != grid_.cols)) {
      operand.whole.reset();
      operand.in_place = false;
    }
  }
}

/// Tensors that the next operators read become whole buffers, as far as they are small.
void RowTiles::keep_whole() {
  for (Operand& operand : operands_) {
    const bool wanted = operand.tensor && operand.spread == Spread::kFull && operand.by_group &&
                        !operand.whole && !(operand.read && operand.write) &&
                        c_.worth_keeping(*operand.tensor);
    if (!wanted) {
      continue;
    }
    const Bytes bytes = c_.bytes(*operand.tensor);
    const std::uint32_t rows = c_.rows(*operand.tensor);
    const std::uint32_t cols = c_.cols(*operand.tensor);
    const Bytes all = bytes + read_ahead(rows, cols, c_.step.platform.cluster.redmule);
    // Half of what is left stays for the tiles.
    if (bytes > c_.most_kept() || all > c_.l1.available() / 2) {
      continue;
    }
    operand.whole = L1Matrix{c_.l1.take(all), grid_.rows, grid_.cols, grid_.cols, operand.type};
    operand.kept = true;
  }
}

Bytes RowTiles::bytes_of(const Operand& operand, std::uint32_t rows, std::uint32_t cols) const {
  switch (operand.spread) {
    case Spread::kFull:
      return bytes_for(rows * cols, operand.type) + kPadding;
    case Spread::kRow:
      return bytes_for(cols, operand.type) + kPadding;
    case Spread::kColumn:
      return bytes_for(rows * operand.words, operand.type) + kPadding;
    case Spread::kScalar:
      return bytes_for(1, operand.type) + kPadding;
  }
  return {};
}

/// Of all buffers; `alone`: where no operand stands in L1.
Bytes RowTiles::bytes_of_all(std::uint32_t rows, std::uint32_t cols, std::uint32_t copies,
                             bool alone) const {
  Bytes sum;
  for (const Operand& operand : operands_) {
    sum += operand.whole && !alone ? Bytes{} : copies * bytes_of(operand, rows, cols);
  }
  return sum;
}

bool RowTiles::moves_something() const {
  return std::ranges::any_of(operands_, [](const Operand& operand) {
    const bool made_here = operand.kept && !operand.read;
    return operand.tensor && operand.spread == Spread::kFull && !operand.in_place && !made_here;
  });
}

void RowTiles::choose_tile() {
  if (order_ != Order::kTiles) {
    choose_tile_in(c_.l1.available(), false, order_ == Order::kColumns ? tile_cols_ : 0);
  }
}

/// `alone`: as if nothing stood in L1, of which `free` bytes are free. `cols`: of the tile, if they
/// are known.
void RowTiles::choose_tile_in(Bytes free, bool alone, std::uint32_t cols) {
  const std::uint32_t least_cols = cols != 0     ? cols
                                   : whole_rows_ ? grid_.cols
                                                 : std::min(16u, grid_.cols);
  Bytes budget = std::min(free, c_.part_of_l1(kShare));
  copies_ = c_.step.tiling.double_buffer ? 2 : 1;
  const auto fits = [&](std::uint32_t rows, std::uint32_t n) {
    return bytes_of_all(rows, n, copies_, alone) <= budget;
  };
  if (!fits(1, least_cols)) {
    budget = free;
    copies_ = fits(1, least_cols) ? copies_ : 1;
  }
  if (!fits(1, least_cols)) {
    if (!alone && c_.residents) {
      throw NoRoom{};
    }
    const Bytes needed = bytes_of_all(1, least_cols, copies_, alone);
    throw UserError("operator '" + name_ + "'",
                    "its smallest tile, 1x" + std::to_string(least_cols) + ", needs " +
                        std::to_string(needed.raw()) + " bytes of L1, " +
                        std::to_string((needed - budget).raw()) + " more than the " +
                        std::to_string(budget.raw()) + " that are free",
                    "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
  }
  const bool streamed = alone || moves_something();
  // Several tiles, so that transfers run under computation, but none too small to be worth a
  // kernel; one where nothing has to be moved.
  const std::uint64_t all = std::uint64_t{grid_.rows} * grid_.cols;
  const double cycles = work_ * static_cast<double>(all) / c_.step.platform.cluster.cores;
  const auto pieces =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(cycles / kWorthAKernel), 1, kTiles);
  const std::uint64_t most = streamed
                                 ? std::max<std::uint64_t>(kSmallTile, (all + kTiles - 1) / kTiles)
                                 : (all + pieces - 1) / pieces;
  const auto largest = [](std::uint32_t low, std::uint32_t high, const auto& good) {
    while (low < high) {  // `low` is good
      const std::uint32_t middle = low + (high - low + 1) / 2;
      good(middle) ? low = middle : high = middle - 1;
    }
    return low;
  };
  const auto good = [&](std::uint32_t rows, std::uint32_t n) {
    return std::uint64_t{rows} * n <= most && fits(rows, n);
  };
  const std::uint32_t high = grid_.period;
  if (by_columns_ && cols == 0 && good(high, 1)) {
    tile_rows_ = high;
    tile_cols_ = largest(1, grid_.cols, [&](std::uint32_t n) { return good(high, n); });
    return;
  }
  if (cols != 0 || whole_rows_) {
    tile_cols_ = least_cols;
  } else {
    tile_cols_ = largest(least_cols, grid_.cols, [&](std::uint32_t n) { return good(1, n); });
  }
  tile_rows_ = largest(1, high, [&](std::uint32_t rows) { return good(rows, tile_cols_); });
  if (tile_rows_ > multiple_) {
    tile_rows_ -= tile_rows_ % multiple_;
  }
  // Equal tiles rather than a small last one.
  const std::uint32_t count = (high + tile_rows_ - 1) / tile_rows_;
  const std::uint32_t even = (high + count - 1) / count;
  tile_rows_ = std::min(tile_rows_, (even + multiple_ - 1) / multiple_ * multiple_);
}

/// Fewer buffers where others leave no room for those of an L1 that is empty.
void RowTiles::fit_in_l1() {
  const auto fits = [&] {
    return bytes_of_all(tile_rows_, tile_cols_, copies_) <= c_.l1.available();
  };
  while (copies_ > 1 && !fits()) {
    --copies_;
  }
  if (c_.residents && !fits()) {
    throw NoRoom{};
  }
}

void RowTiles::take_buffers() {
  const std::uint64_t tiles = std::uint64_t{(grid_.period + tile_rows_ - 1) / tile_rows_} *
                              (grid_.rows / grid_.period) *
                              ((grid_.cols + tile_cols_ - 1) / tile_cols_);
  for (Operand& operand : operands_) {
    if (operand.whole) {
      continue;
    }
    const bool repeats = !operand.by_group && tile_cols_ == grid_.cols &&
                         operand.spread != Spread::kColumn && operand.spread != Spread::kFull;
    const auto copies =
        repeats ? 1u : static_cast<std::uint32_t>(std::min<std::uint64_t>(copies_, tiles));
    for (std::uint32_t i = 0; i < copies; ++i) {
      operand.buffers.push_back(c_.l1.take(bytes_of(operand, tile_rows_, tile_cols_) - kPadding));
    }
  }
}

L1Matrix RowTiles::place(Operand& operand, const RowTile& tile) {
  const std::uint32_t first = position(operand, tile.row, tile.col);
  L1Matrix matrix{{}, tile.rows, tile.cols, tile.cols, operand.type};
  std::uint32_t count = tile.rows * tile.cols;
  switch (operand.spread) {
    case Spread::kFull:
      break;
    case Spread::kRow:
      matrix.pitch = 0;
      count = tile.cols;
      break;
    case Spread::kColumn:
      matrix = {{}, tile.rows, operand.words, operand.words, operand.type};
      count = tile.rows * operand.words;
      break;
    case Spread::kScalar:
      matrix = {{}, 1, 1, 1, operand.type};
      count = 1;
      break;
  }
  if (operand.whole) {
    if (operand.spread == Spread::kFull) {
      matrix.pitch = operand.whole->pitch;
      matrix.address =
          operand.whole->address +
          bytes_for(matrix.pitch == grid_.cols ? first : tile.row * matrix.pitch + tile.col,
                    operand.type);
      if (operand.kept && operand.read && tile_cols_ == grid_.cols) {
        c_.tape.load(c_.stored(*operand.tensor).behind(first),
                     {matrix.address, 1, count, count, operand.type});
      }
    } else {
      matrix.address = operand.whole->address + bytes_for(first, operand.type);
    }
    return matrix;
  }
  const bool stays =
      operand.read != operand.write && (operand.read || operand.spread != Spread::kFull);
  const bool there =
      operand.tensor && stays && operand.loaded_from == first && operand.loaded_elements == count;
  if (!there) {
    ++operand.turn;
  }
  matrix.address = operand.buffers[operand.turn % operand.buffers.size()];
  if (operand.read && !there) {
    StoredMatrix from = c_.stored(*operand.tensor).behind(first);
    from.pitch = grid_.cols;
    L1Matrix to = matrix;
    if (operand.spread != Spread::kFull) {
      to = {matrix.address, 1, count, count, operand.type};
    }
    c_.tape.load(from, to);
  }
  operand.loaded_from = first;
  operand.loaded_elements = count;
  return matrix;
}

void RowTiles::store(const Operand& operand, const L1Matrix& matrix, const RowTile& tile) {
  if (operand.kept && tile_cols_ != grid_.cols) {
    return;  // strided on both sides: stored whole in the end
  }
  StoredMatrix to = c_.stored(*operand.tensor).behind(position(operand, tile.row, tile.col));
  to.pitch = grid_.cols;
  if (operand.spread == Spread::kColumn) {
    if (tile.col + tile.cols == grid_.cols) {
      c_.tape.store({matrix.address, 1, tile.rows, tile.rows, operand.type}, to);
    }
  } else if (operand.spread == Spread::kRow) {
    if ((tile.row + tile.rows) % grid_.period == 0) {
      c_.tape.store({matrix.address, 1, tile.cols, tile.cols, operand.type}, to);
    }
  } else if (matrix.pitch == tile.cols || to.pitch == tile.cols) {
    c_.tape.store(matrix, to);
  } else {  // a transfer is strided on one side only
    for (std::uint32_t row = 0; row < tile.rows; ++row) {
      c_.tape.store(matrix.slice(row, 0, 1, tile.cols), to.behind(row * to.pitch));
    }
  }
}

void RowTiles::finish() {
  for (const Operand& operand : operands_) {
    if (operand.kept) {
      const TensorId tensor = *operand.tensor;
      const L1Matrix seen{operand.whole->address, c_.rows(tensor), c_.cols(tensor), c_.cols(tensor),
                          operand.type};
      if (operand.write && tile_cols_ != grid_.cols) {
        c_.tape.store(seen, c_.stored(tensor));
      }
      c_.l1.keep(tensor, false, seen);
    } else if (operand.read && operand.write) {
      c_.l1.drop(*operand.tensor);
    }
  }
}

void RowTiles::run(const std::function<void(const RowTile&)>& body) {
  find_residents();
  if (order_ != Order::kFree) {
    choose_tile_in(c_.l1.capacity(), true);
  }
  if (order_ == Order::kTiles && by_columns_) {
    leave_pitches();
  }
  if (order_ != Order::kTiles || !by_columns_ || tile_cols_ == grid_.cols) {
    keep_whole();
  }
  choose_tile();
  fit_in_l1();
  take_buffers();
  bool repeating = false;
  for (const Operand& operand : operands_) {
    repeating = repeating || (operand.spread == Spread::kRow && !operand.whole);
    if (operand.kept && operand.read && tile_cols_ != grid_.cols) {
      const L1Matrix seen{operand.whole->address, 1, grid_.rows * grid_.cols,
                          grid_.rows * grid_.cols, operand.type};
      c_.tape.load(c_.stored(*operand.tensor), seen);
    }
  }
  const auto tile_at = [&](std::uint32_t row, std::uint32_t col) {
    RowTile tile{row,
                 col,
                 std::min(tile_rows_, grid_.period - row % grid_.period),
                 std::min(tile_cols_, grid_.cols - col),
                 {}};
    for (Operand& operand : operands_) {
      tile.at.push_back(place(operand, tile));
    }
    body(tile);
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (operands_[i].write) {
        store(operands_[i], tile.at[i], tile);
      }
    }
  };
  for (std::uint32_t group = 0; group < grid_.rows; group += grid_.period) {
    const auto rows = [&](auto&& inner) {
      for (std::uint32_t row = 0; row < grid_.period; row += tile_rows_) {
        inner(group + row);
      }
    };
    const auto cols = [&](auto&& inner) {
      for (std::uint32_t col = 0; col < grid_.cols; col += tile_cols_) {
        inner(col);
      }
    };
    if (repeating) {  // the piece of the repeated row stays for all rows
      cols([&](std::uint32_t col) { rows([&](std::uint32_t row) { tile_at(row, col); }); });
    } else {
      rows([&](std::uint32_t row) { cols([&](std::uint32_t col) { tile_at(row, col); }); });
    }
  }
  finish();
}

}  // namespace etude::compiler
