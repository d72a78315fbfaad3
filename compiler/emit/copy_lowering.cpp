// SPDX-License-Identifier: Apache-2.0
// A tensor whose elements must really move: the transposes that no reader or maker can do without.
#include <algorithm>
#include <numeric>
#include <optional>

#include "compiler/emit/families.h"
#include "compiler/feeds/context.h"
#include "compiler/tiling/gemm_tiling.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Moves matrices [rows, cols] of the result; the input holds each as it is or transposed.
class CopyLowering {
 public:
  CopyLowering(LoweringContext& context, const Operator& op)
      : c_(context),
        node_(context.graph().node(op.node)),
        from_(node_.inputs[0]),
        to_(node_.outputs[0]) {}

  void run() {
    find_axes();
    take_buffers();
    const Shape& shape = shape_;
    Shape at(shape.size(), 0);
    std::uint64_t members = c_.tensor(to_).elements() / rows_ / cols_;
    for (; members > 0; --members) {
      std::uint64_t in = 0, out = 0;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        in += at[d] * in_strides_[d];
        out += at[d] * out_strides_[d];
      }
      matrix(in, out);
      for (std::size_t d = shape.size(); d-- > 0;) {
        if (d != row_axis_ && d + 1 != shape.size() && ++at[d] < shape[d]) {
          break;
        }
        at[d] = 0;
      }
    }
    if (kept_) {
      // As one row: with a last extent of 1 the matrix has other columns than the tensor.
      const std::uint32_t all = kept_->elements();
      c_.tape.store({kept_->address, 1, all, all}, c_.stored(to_));
      c_.l1.keep(to_, false, *kept_);
    }
  }

 private:
  /// Strides of the result's axes in the input; the axis that is dense there becomes the rows.
  void find_axes() {
    const Shape& shape = c_.tensor(to_).shape;
    out_strides_ = dense_strides(shape);
    const auto& view = c_.step.storage.view(from_).strides;
    if (node_.op == OpType::kTranspose) {
      std::vector<std::int64_t> reversed(shape.size());
      std::iota(reversed.rbegin(), reversed.rend(), 0);
      for (const std::int64_t axis : node_.integers("perm", reversed)) {
        in_strides_.push_back(view[static_cast<std::size_t>(axis)]);
      }
    } else if (const auto found =
                   reshaped_strides(c_.tensor(from_).shape, view, c_.tensor(to_).shape)) {
      in_strides_ = *found;
    } else {
      throw UserError("node '" + node_.name + "'",
                      "reshapes a transposed tensor across its borders",
                      "reshape before the transpose");
    }
    drop_single_extents(shape);
    choose_matrix();
  }

  /// Extents of 1 would hide the dense axes.
  void drop_single_extents(const Shape& shape) {
    std::vector<std::uint64_t> in, out;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] != 1) {
        shape_.push_back(shape[d]);
        in.push_back(in_strides_[d]);
        out.push_back(out_strides_[d]);
      }
    }
    if (shape_.empty()) {
      shape_ = in = out = {1};
    }
    in_strides_ = std::move(in);
    out_strides_ = std::move(out);
  }

  void choose_matrix() {
    const Shape& shape = shape_;
    const std::size_t last = shape.size() - 1;
    cols_ = static_cast<std::uint32_t>(shape[last]);
    if (in_strides_[last] == 1 || cols_ == 1) {
      row_axis_ = last == 0 ? 0 : last - 1;
    } else {
      transposed_ = true;
      row_axis_ = last;
      for (std::size_t d = 0; d < last; ++d) {
        row_axis_ = in_strides_[d] == 1 && shape[d] > 1 ? d : row_axis_;
      }
    }
    rows_ = row_axis_ == last ? 1 : static_cast<std::uint32_t>(shape[row_axis_]);
  }

  void take_buffers() {
    const Bytes bytes = c_.bytes(to_);
    const bool matrix = std::uint64_t{rows_} * cols_ == c_.tensor(to_).elements();
    if (matrix && c_.worth_keeping(to_) && bytes <= c_.l1.capacity() / 8) {
      const Bytes ahead = read_ahead(rows_, cols_, c_.step.platform.cluster.redmule);
      kept_ = L1Matrix{c_.l1.take(bytes + ahead), rows_, cols_, cols_};
    }
    const std::uint32_t copies = c_.step.tiling.double_buffer ? 2 : 1;
    constexpr Bytes kSpare{64};
    const Bytes budget = c_.l1.available() / (2 * copies);
    const std::uint32_t elements = budget > kSpare ? elements_in(budget - kSpare) : 0;
    tile_rows_ = std::min(rows_, 64u);
    tile_cols_ = std::min(cols_, 64u);
    while (tile_rows_ * tile_cols_ > elements && tile_rows_ * tile_cols_ > 16) {
      (tile_rows_ > tile_cols_ ? tile_rows_ : tile_cols_) /= 2;
    }
    if (tile_rows_ * tile_cols_ > elements) {
      throw UserError(
          "operator '" + node_.name + "'",
          "its smallest tile needs " + std::to_string(bytes_for(tile_rows_ * tile_cols_).raw()) +
              " bytes of L1 twice, and " + std::to_string(c_.l1.available().raw()) + " are free",
          "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
    }
    for (std::uint32_t i = 0; i < copies; ++i) {
      in_.push_back(c_.l1.take(bytes_for(tile_rows_ * tile_cols_)));
      if (transposed_ && !kept_) {
        out_.push_back(c_.l1.take(bytes_for(tile_rows_ * tile_cols_)));
      }
    }
  }

  void matrix(std::uint64_t in, std::uint64_t out) {
    const TensorId base = c_.step.storage.base(from_);
    const std::uint64_t row_in = in_strides_[row_axis_];
    const std::uint64_t col_in = in_strides_.back();
    const std::uint64_t row_out = rows_ == 1 ? cols_ : out_strides_[row_axis_];
    const MatrixView result{to_, out, rows_, cols_, row_out, false};
    const MatrixView source = transposed_ ? MatrixView{base, in, cols_, rows_, col_in, true}
                                          : MatrixView{base, in, rows_, cols_, row_in, false};
    auto resident = c_.resident(source);
    if (resident && !transposed_ && !kept_ && resident->pitch != resident->cols) {
      resident.reset();  // a transfer is strided on one side only
    }
    for (std::uint32_t r = 0; r < rows_; r += tile_rows_) {
      for (std::uint32_t k = 0; k < cols_; k += tile_cols_, ++turn_) {
        const std::uint32_t m = std::min(tile_rows_, rows_ - r);
        const std::uint32_t n = std::min(tile_cols_, cols_ - k);
        L1Matrix tile{in_[turn_ % in_.size()], transposed_ ? n : m, transposed_ ? m : n,
                      transposed_ ? m : n};
        if (resident) {
          tile = transposed_ ? resident->slice(k, r, n, m) : resident->slice(r, k, m, n);
        } else {
          c_.tape.load(transposed_ ? c_.stored(source, k, r) : c_.stored(source, r, k), tile);
        }
        L1Matrix made = tile;
        if (kept_ || transposed_) {
          made = kept_ ? kept_->slice(r, k, m, n) : L1Matrix{out_[turn_ % out_.size()], m, n, n};
          if (transposed_) {
            c_.tape.transpose(tile, made, nullptr);
          } else {
            c_.tape.copy(tile, made);
          }
        }
        if (!kept_) {
          c_.tape.store(made, c_.stored(result, r, k));
        }
      }
    }
  }

  LoweringContext& c_;
  const Node& node_;
  TensorId from_, to_;
  Shape shape_;  ///< of the result, without extents of 1
  std::vector<std::uint64_t> in_strides_, out_strides_;
  std::size_t row_axis_ = 0;
  bool transposed_ = false;
  std::uint32_t rows_ = 0, cols_ = 0, tile_rows_ = 0, tile_cols_ = 0;
  std::vector<Address> in_, out_;
  std::optional<L1Matrix> kept_;
  std::size_t turn_ = 0;
};

}  // namespace

void lower_copy(LoweringContext& context, const Operator& op) {
  context.layer(op.node);
  CopyLowering(context, op).run();
}

}  // namespace etude::compiler
