// SPDX-License-Identifier: Apache-2.0
// Slices, pads and concatenations: blocks of elements that the DMA carries from one tensor to the
// other through L1. A transfer is strided in L2 and dense in L1, or the other way round.
#include <algorithm>
#include <optional>
#include <vector>

#include "compiler/emit/families.h"
#include "compiler/feeds/context.h"
#include "compiler/tiling/gemm_tiling.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Elements of `from` and of the result that belong together: those `in` and `out` elements behind
/// their first ones, and from there on by steps along each axis.
struct Move {
  struct Axis {
    std::uint64_t extent = 1;
    std::int64_t in = 0, out = 0;  ///< elements from one to the next
  };
  TensorId from{};
  std::int64_t in = 0, out = 0;
  std::vector<Axis> axes;  ///< outermost first
};

/// A matrix of a move; the other axes repeat it.
struct Block {
  std::uint32_t rows = 1, cols = 1;
  std::uint32_t row_in = 0, row_out = 0;
  std::vector<Move::Axis> repeated;

  /// Whether its rows lie one behind the other on at least one side.
  bool dense_on_a_side() const { return rows == 1 || row_in == cols || row_out == cols; }
};

/// The axis along which `part` lies in `whole`, as a node's starts and steps have it.
Move part_of(const Shape& part, const Shape& whole, const std::vector<std::int64_t>& starts,
             const std::vector<std::int64_t>& steps, bool slice) {
  const auto outer = dense_strides(whole);
  const auto inner = dense_strides(part);
  Move move;
  for (std::size_t d = 0; d < whole.size(); ++d) {
    const auto stride = static_cast<std::int64_t>(outer[d]);
    (slice ? move.in : move.out) += starts[d] * stride;
    Move::Axis axis{part[d], static_cast<std::int64_t>(inner[d]), steps[d] * stride};
    if (slice) {
      std::swap(axis.in, axis.out);
    }
    move.axes.push_back(axis);
  }
  return move;
}

/// Axes of one element go, neighbours that lie one behind the other on both sides become one.
void merge_axes(Move& move) {
  std::vector<Move::Axis> merged;
  for (const Move::Axis& axis : move.axes) {
    if (axis.extent == 1) {
      continue;
    }
    const auto extent = static_cast<std::int64_t>(axis.extent);
    if (!merged.empty() && merged.back().in == axis.in * extent &&
        merged.back().out == axis.out * extent) {
      merged.back() = {merged.back().extent * axis.extent, axis.in, axis.out};
    } else {
      merged.push_back(axis);
    }
  }
  move.axes = std::move(merged);
}

/// Neighbours become a row, the longest other axis along which both sides go up the rows.
Block block_of(const Move& move) {
  Block block;
  block.repeated = move.axes;
  if (!move.axes.empty() && move.axes.back().in == 1 && move.axes.back().out == 1) {
    block.cols = static_cast<std::uint32_t>(move.axes.back().extent);
    block.repeated.pop_back();
  }
  auto rows = block.repeated.end();
  for (auto axis = block.repeated.begin(); axis != block.repeated.end(); ++axis) {
    const bool up = axis->in > 0 && axis->out > 0;
    if (up && (rows == block.repeated.end() || axis->extent > rows->extent)) {
      rows = axis;
    }
  }
  if (rows != block.repeated.end()) {
    block.rows = static_cast<std::uint32_t>(rows->extent);
    block.row_in = static_cast<std::uint32_t>(rows->in);
    block.row_out = static_cast<std::uint32_t>(rows->out);
    block.repeated.erase(rows);
  }
  return block;
}

class MoveLowering {
 public:
  MoveLowering(LoweringContext& context, const Operator& op)
      : c_(context), node_(context.graph().node(op.node)), to_(node_.outputs[0]) {
    for (Move& move : moves()) {
      merge_axes(move);
      const auto resident = c_.l1.resident(move.from);
      const bool dense = resident && (resident->rows == 1 || resident->pitch == resident->cols);
      parts_.push_back({move, block_of(move), dense ? resident : std::nullopt});
    }
  }

  void run() {
    take_whole();
    if (!kept_) {
      take_buffers();
    }
    if (node_.op == OpType::kPad && c_.tensor(node_.inputs[0]).elements() != elements()) {
      fill();
    }
    for (const Part& part : parts_) {
      each_block(part.block.repeated, 0, part.move.in, part.move.out,
                 [&](std::int64_t in, std::int64_t out) { carry(part, in, out); });
    }
    if (kept_) {
      c_.tape.store(*kept_, c_.stored(to_));
      c_.l1.keep(to_, false, *kept_);
    }
  }

 private:
  struct Part {
    Move move;
    Block block;
    std::optional<L1Matrix> resident;  ///< the whole tensor, dense
  };

  std::uint64_t elements() const { return c_.tensor(to_).elements(); }
  DType type() const { return c_.tensor(to_).dtype; }

  std::vector<Move> moves() const {
    const Shape& result = c_.tensor(to_).shape;
    std::vector<Move> found;
    if (node_.op != OpType::kConcat) {
      const Shape& given = c_.tensor(node_.inputs[0]).shape;
      const bool slice = node_.op == OpType::kSlice;
      found.push_back(part_of(slice ? result : given, slice ? given : result,
                              node_.integers("starts"), node_.integers("steps"), slice));
      found.back().from = node_.inputs[0];
      return found;
    }
    std::vector<std::int64_t> starts(result.size(), 0);
    const std::vector<std::int64_t> steps(result.size(), 1);
    const auto axis = static_cast<std::size_t>(node_.integer("axis"));
    for (const TensorId input : node_.inputs) {
      const Shape& given = c_.tensor(input).shape;
      found.push_back(part_of(given, result, starts, steps, false));
      found.back().from = input;
      starts[axis] += static_cast<std::int64_t>(given[axis]);
    }
    return found;
  }

  /// A small result that is read soon is built up as a whole, where no block needs a buffer.
  void take_whole() {
    const Bytes bytes = c_.bytes(to_);
    const Bytes all =
        bytes + read_ahead(c_.rows(to_), c_.cols(to_), c_.step.platform.cluster.redmule);
    const bool direct = std::ranges::all_of(
        parts_, [](const Part& part) { return part.resident || part.block.dense_on_a_side(); });
    if (direct && c_.worth_keeping(to_) && bytes <= c_.most_kept() &&
        all <= c_.l1.available() / 2) {
      kept_ = L1Matrix{c_.l1.take(all), c_.rows(to_), c_.cols(to_), c_.cols(to_), type()};
    }
  }

  void take_buffers() {
    constexpr double kShare = 0.45;
    constexpr std::uint32_t kLeast = 16;  // elements
    constexpr Bytes kSpare{8};
    std::uint32_t copies = c_.step.tiling.double_buffer ? 2 : 1;
    const auto room = [&](Bytes budget) {
      const Bytes each = budget / copies;
      return each > kSpare ? elements_in(each - kSpare) : 0;
    };
    capacity_ = room(std::min(c_.l1.available(), c_.part_of_l1(kShare)));
    if (capacity_ < kLeast) {
      copies = 1;
      capacity_ = room(c_.l1.available());
    }
    if (capacity_ < kLeast) {
      throw UserError("operator '" + node_.name + "'",
                      "its smallest tile needs " + std::to_string(bytes_for(kLeast).raw()) +
                          " bytes of L1, and " + std::to_string(c_.l1.available().raw()) +
                          " are free",
                      "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
    }
    capacity_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(capacity_, elements()));
    for (std::uint32_t i = 0; i < copies; ++i) {
      buffers_.push_back(c_.l1.take(bytes_for(capacity_)));
    }
  }

  /// The whole result, before what belongs into it.
  void fill() {
    const auto value = static_cast<float>(node_.real("value", 0));
    if (kept_) {
      const std::uint32_t all = kept_->elements();
      c_.tape.fill({kept_->address, 1, all, all}, value);
      return;
    }
    const std::uint64_t all = elements();
    const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(all, capacity_));
    const L1Matrix filled{buffers_[0], 1, piece, piece, type()};
    c_.tape.fill({filled.address, 1, piece, piece}, value);
    for (std::uint64_t done = 0; done < all; done += piece) {
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(piece, all - done));
      c_.tape.store({filled.address, 1, count, count, type()}, c_.stored(to_).behind(done));
    }
    turn_ = 1;
  }

  template <typename Body>
  void each_block(const std::vector<Move::Axis>& axes, std::size_t d, std::int64_t in,
                  std::int64_t out, const Body& body) const {
    if (d == axes.size()) {
      return body(in, out);
    }
    for (std::uint64_t i = 0; i < axes[d].extent; ++i) {
      each_block(axes, d + 1, in, out, body);
      in += axes[d].in;
      out += axes[d].out;
    }
  }

  StoredMatrix stored(TensorId tensor, std::int64_t first, std::uint32_t pitch) const {
    StoredMatrix matrix = c_.stored(tensor).behind(static_cast<std::uint64_t>(first));
    matrix.pitch = pitch;
    return matrix;
  }
  L1Matrix in_l1(const L1Matrix& whole, std::int64_t first, const Block& block,
                 std::uint32_t pitch) const {
    return {whole.address + bytes_for(static_cast<std::uint64_t>(first), type()), block.rows,
            block.cols, block.rows == 1 ? block.cols : pitch, type()};
  }

  void carry(const Part& part, std::int64_t in, std::int64_t out) {
    const Block& block = part.block;
    if (kept_) {
      const L1Matrix made = in_l1(*kept_, out, block, block.row_out);
      if (part.resident) {
        c_.tape.copy(in_l1(*part.resident, in, block, block.row_in), made);
      } else {
        c_.tape.load(stored(part.move.from, in, block.row_in), made);
      }
      return;
    }
    if (part.resident && block.dense_on_a_side()) {
      c_.tape.store(in_l1(*part.resident, in, block, block.row_in),
                    stored(to_, out, block.row_out));
      return;
    }
    const std::uint32_t cols = std::min(block.cols, capacity_);
    const std::uint32_t rows = std::min(block.rows, capacity_ / cols);
    for (std::uint32_t r = 0; r < block.rows; r += rows) {
      for (std::uint32_t k = 0; k < block.cols; k += cols) {
        const std::uint32_t m = std::min(rows, block.rows - r);
        const std::uint32_t n = std::min(cols, block.cols - k);
        const L1Matrix tile{buffers_[turn_++ % buffers_.size()], m, n, n, type()};
        const auto at = [&](std::int64_t first, std::uint32_t pitch) {
          return first + static_cast<std::int64_t>(std::uint64_t{r} * pitch + k);
        };
        c_.tape.load(stored(part.move.from, at(in, block.row_in), block.row_in), tile);
        c_.tape.store(tile, stored(to_, at(out, block.row_out), block.row_out));
      }
    }
  }

  LoweringContext& c_;
  const Node& node_;
  TensorId to_;
  std::vector<Part> parts_;
  std::optional<L1Matrix> kept_;
  std::vector<Address> buffers_;
  std::uint32_t capacity_ = 0;  ///< elements of a buffer
  std::size_t turn_ = 0;
};

}  // namespace

void lower_move(LoweringContext& context, const Operator& op) {
  context.layer(op.node);
  MoveLowering(context, op).run();
}

}  // namespace etude::compiler
