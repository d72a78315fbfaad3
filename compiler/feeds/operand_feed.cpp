// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/operand_feed.h"

#include <algorithm>
#include <stdexcept>

namespace etude::compiler {

using Unit = GemmProblem::Unit;

OperandFeed::OperandFeed(LoweringContext& context, const MatrixView& view,
                         const OperandSource& source, Unit unit, const Extents& extents,
                         bool double_buffer, std::uint32_t members, bool half)
    : context_(context),
      view_(view),
      source_(source),
      unit_(unit),
      extents_(extents),
      members_(members),
      half_(half) {
  const std::uint32_t reduction = extents.is_w ? extents.rows : extents.cols;
  const std::uint32_t tile = extents.is_w ? extents.tile_rows : extents.tile_cols;
  padded_ = unit == Unit::kRedmule && !half && !long_enough(reduction, tile);
  find_resident();
  if (in_place_) {
    return;
  }
  const auto tiles = ((extents.rows + extents.tile_rows - 1) / extents.tile_rows) *
                     ((extents.cols + extents.tile_cols - 1) / extents.tile_cols) * members;
  buffers_.resize(std::min(tiles, double_buffer ? 2u : 1u));
  const RedmuleConfig& array = context.step.platform.cluster.redmule;
  const PackedObjects* stored = context.packed(view.base);
  if (stored != nullptr && !(resident_ && (source.transpose || half || padded_))) {
    packed_.emplace(context, *stored);
  }
  for (Buffer& buffer : buffers_) {
    const std::uint32_t r = extents.tile_rows;
    const std::uint32_t c = extents.tile_cols;
    if (packed_) {
      buffer.packed = source.transpose ? packed_->take(c, r) : packed_->take(r, c);
    }
    if (half_) {
      take_half(buffer);
      continue;
    }
    if (unit == Unit::kCores) {
      buffer.ready = context.l1.take(bytes_for(source.transpose ? c * (r | 1u) : r * (c | 1u)));
      continue;
    }
    const std::uint32_t rows = padded_ && extents.is_w ? least_padded(r, array) : r;
    const std::uint32_t cols = padded_ && !extents.is_w ? least_padded(c, array) : c;
    buffer.ready = context.l1.take(bytes_for(rows * cols) + read_ahead(rows, cols, array));
    if (source.transpose && !resident_) {
      buffer.staged = context.l1.take(bytes_for(r * c));
    }
  }
}

void OperandFeed::find_resident() {
  if (!source_.resident) {
    return;
  }
  const bool full_rows = extents_.tile_cols == extents_.cols;
  in_place_ = !half_ && !padded_ && (unit_ == Unit::kCores || (!source_.transpose && full_rows));
  const auto found =
      source_.transposed_view ? context_.l1.resident(view_.base, true) : context_.resident(view_);
  if (!found) {
    throw NoRoom{};  // it gave way since it was planned with
  }
  // A transposed view is of no use where it cannot be read in place; then the tile is loaded.
  if (half_ || padded_ || in_place_ || !source_.transposed_view) {
    resident_ = found;
  }
}

void OperandFeed::take_half(Buffer& buffer) {
  const std::uint32_t r = extents_.tile_rows;
  const std::uint32_t c = extents_.tile_cols;
  const RedmuleConfig& array = context_.step.platform.cluster.redmule;
  buffer.half = context_.l1.take(extents_.is_w ? half_bytes(padded_reduction(r), c, array)
                                               : half_bytes(r, padded_reduction(c), array));
  if (!resident_ && !(packed_ && !source_.transpose)) {
    buffer.staged = context_.l1.take(bytes_for(r * c));
    buffer.ready = source_.transpose ? context_.l1.take(bytes_for(r * c)) : buffer.staged;
  }
}

void OperandFeed::bring(const Buffer& buffer, std::uint32_t row, std::uint32_t col,
                        const L1Matrix& to) {
  if (packed_) {
    packed_->fetch(row, col, buffer.packed, to);
  } else {
    context_.tape.load(context_.stored(view_, row, col), to);
  }
}

/// The tile in FP32 wherever it stands, then converted between zeros; decoded straight to FP16
/// where it is packed in the orientation that the array wants.
L1Matrix OperandFeed::fetch_half(Buffer& buffer, std::uint32_t r, std::uint32_t c) {
  Tape& tape = context_.tape;
  const std::uint32_t rows = extents_.is_w ? padded_reduction(r) : r;
  const std::uint32_t cols = extents_.is_w ? c : padded_reduction(c);
  const L1Matrix half{buffer.half, rows, cols, cols, DType::kFloat16};
  const bool straight = packed_ && !source_.transpose;
  L1Matrix whole;
  if (resident_ && source_.transpose) {
    // Transposed in the place of a tile that nobody loads would need another buffer: the planner
    // gives such operands as transposed views.
    throw std::logic_error("an FP16 operand is transposed from a resident");
  }
  if (resident_) {
    whole = resident_->slice(buffer.r0, buffer.c0, r, c);
  } else if (source_.transpose) {
    const L1Matrix staged{buffer.staged, c, r, r};
    whole = {buffer.ready, r, c, c};
    bring(buffer, buffer.c0, buffer.r0, staged);
    tape.transpose(staged, whole, nullptr);
  } else if (!straight) {
    whole = {buffer.ready, r, c, c};
    bring(buffer, buffer.r0, buffer.c0, whole);
  }
  if (rows != r || cols != c) {
    tape.clear(half);
  }
  if (straight) {
    bring(buffer, buffer.r0, buffer.c0, half.slice(0, 0, r, c));
  } else {
    tape.convert(whole, half);
  }
  buffer.whole = whole;
  unconverted_ = whole;
  return half;
}

/// The tile among zeros, so that the reduction is long enough for the array.
L1Matrix OperandFeed::fetch_padded(Buffer& buffer, std::uint32_t r, std::uint32_t c) {
  Tape& tape = context_.tape;
  const RedmuleConfig& array = context_.step.platform.cluster.redmule;
  const std::uint32_t rows = extents_.is_w ? least_padded(r, array) : r;
  const std::uint32_t cols = extents_.is_w ? c : least_padded(c, array);
  const L1Matrix whole{buffer.ready, rows, cols, cols};
  const L1Matrix part = whole.slice(0, 0, r, c);
  if (rows != r || cols != c) {
    tape.fill(whole, 0.0f);
  }
  if (!source_.transpose || source_.transposed_view) {
    if (resident_) {
      tape.copy(resident_->slice(buffer.r0, buffer.c0, r, c), part);
    } else if (packed_ || cols == c || view_.pitch == c || r == 1) {
      bring(buffer, buffer.r0, buffer.c0, part);
    } else {  // a transfer is strided on one side only
      for (std::uint32_t row = 0; row < r; ++row) {
        tape.load(context_.stored(view_, buffer.r0 + row, buffer.c0), part.slice(row, 0, 1, c));
      }
    }
    return whole;
  }
  L1Matrix from{buffer.staged, c, r, r};
  if (resident_) {
    from = resident_->slice(buffer.c0, buffer.r0, c, r);
  } else {
    bring(buffer, buffer.c0, buffer.r0, from);
  }
  tape.transpose(from, part, nullptr);
  return whole;
}

void OperandFeed::rebind(const MatrixView& view) {
  if (view.offset == view_.offset && view.base == view_.base) {
    return;
  }
  view_ = view;
  for (Buffer& buffer : buffers_) {
    buffer.r0 = buffer.c0 = ~0u;
  }
  find_resident();
}

L1Matrix OperandFeed::fetch(std::uint32_t r0, std::uint32_t c0, std::uint32_t r, std::uint32_t c) {
  const bool as_stored = unit_ == Unit::kCores && source_.transpose;
  if (in_place_) {
    return as_stored ? resident_->slice(c0, r0, c, r) : resident_->slice(r0, c0, r, c);
  }
  for (const Buffer& buffer : buffers_) {
    if (buffer.r0 == r0 && buffer.c0 == c0) {
      unconverted_ = buffer.whole;
      return buffer.matrix;
    }
  }
  Buffer& buffer = buffers_[next_];
  next_ = (next_ + 1) % buffers_.size();
  buffer.r0 = r0;
  buffer.c0 = c0;
  if (half_) {
    buffer.matrix = fetch_half(buffer, r, c);
    return buffer.matrix;
  }
  if (padded_) {
    buffer.matrix = fetch_padded(buffer, r, c);
    return buffer.matrix;
  }
  Tape& tape = context_.tape;
  const std::uint32_t stored_r = source_.transpose ? c : r;
  const std::uint32_t stored_c = source_.transpose ? r : c;
  const std::uint32_t row = source_.transpose ? c0 : r0;
  const std::uint32_t col = source_.transpose ? r0 : c0;
  const bool dense = stored_c == view_.pitch;
  if (unit_ == Unit::kCores || !source_.transpose) {
    const std::uint32_t pitch = tile_pitch(unit_, stored_c, dense);
    buffer.matrix = {buffer.ready, stored_r, stored_c, pitch};
    bring(buffer, row, col, buffer.matrix);
    return buffer.matrix;
  }
  L1Matrix from;
  if (resident_) {
    from = resident_->slice(row, col, stored_r, stored_c);
  } else {
    from = {buffer.staged, stored_r, stored_c, stored_c};
    bring(buffer, row, col, from);
  }
  buffer.matrix = {buffer.ready, r, c, c};
  tape.transpose(from, buffer.matrix, nullptr);
  return buffer.matrix;
}

void OperandFeed::keep_whole() {
  if (half_ || padded_ || buffers_.size() != 1 || buffers_[0].matrix.rows == 0 || members_ != 1 ||
      !context_.step.whole(view_) || !context_.worth_keeping(view_.base)) {
    return;
  }
  const Buffer& buffer = buffers_[0];
  if (extents_.tile_rows != extents_.rows || extents_.tile_cols != extents_.cols) {
    return;
  }
  const bool transposed = unit_ == Unit::kRedmule && source_.transpose;
  context_.l1.keep(view_.base, transposed, buffer.matrix);
}

}  // namespace etude::compiler
