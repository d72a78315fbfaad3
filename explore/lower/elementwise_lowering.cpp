// SPDX-License-Identifier: Apache-2.0
// Loss and operators that go over matrices element by element, in tiles of rows.
#include <algorithm>
#include <functional>

#include "explore/lower/context.h"
#include "explore/tiling/gemm_tiling.h"
#include "models/base/error.h"

namespace etude {

namespace {

constexpr std::uint32_t kSmallTile = 1536;
constexpr std::uint32_t kTiles = 8;

struct Piece {
  std::uint32_t row, col, rows, cols;
  std::size_t number;
};

/// A tensor that an elementwise operator reads or writes tile by tile: a resident, or two buffers.
class Stream {
 public:
  Stream(LoweringContext& context, TensorId tensor, std::uint32_t tile_elements,
         std::uint32_t copies)
      : context_(context), tensor_(tensor) {
    if (const auto found = context.l1.resident(tensor, false)) {
      whole_ = *found;
      return;
    }
    for (std::uint32_t i = 0; i < copies; ++i) {
      buffers_.push_back(context.l1.take(4 * tile_elements));
    }
  }
  L1Matrix place(const Piece& piece) const {
    if (buffers_.empty()) {
      return whole_.slice(piece.row, piece.col, piece.rows, piece.cols);
    }
    return {buffers_[piece.number % buffers_.size()], piece.rows, piece.cols, piece.cols};
  }
  L1Matrix read(const Piece& piece) const {
    const L1Matrix matrix = place(piece);
    if (!buffers_.empty()) {
      context_.sequence.load(context_.stored(tensor_, piece.row, piece.col), matrix);
    }
    return matrix;
  }

 private:
  LoweringContext& context_;
  TensorId tensor_;
  L1Matrix whole_;
  std::vector<std::uint32_t> buffers_;
};

/// Extents of a tile of at most `elements`: whole rows, or whole columns where the operator before
/// makes its result column by column.
std::pair<std::uint32_t, std::uint32_t> extents(std::uint32_t rows, std::uint32_t cols,
                                                std::uint32_t elements, bool by_columns) {
  if (by_columns && elements >= rows) {
    return {rows, std::min(cols, elements / rows)};
  }
  const std::uint32_t tile_cols = std::min(cols, elements);
  return {std::max(1u, std::min(rows, elements / tile_cols)), tile_cols};
}

/// Cuts [rows, cols] into tiles so that `streams` pairs of buffers fit; calls `body` for each.
void for_pieces(LoweringContext& c, const std::string& name, TensorId like, std::uint32_t streams,
                bool by_columns,
                const std::function<void(std::uint32_t elements, std::uint32_t copies)>& open,
                const std::function<void(const Piece&)>& body) {
  const std::uint32_t rows = c.rows(like);
  const std::uint32_t cols = c.cols(like);
  const std::uint32_t budget =
      std::min(c.l1.available(), static_cast<std::uint32_t>(0.45 * c.l1.capacity()));
  const std::uint32_t copies = c.tiling.double_buffer ? 2 : 1;
  std::uint32_t elements = budget / streams / copies;
  elements = elements > 8 ? (elements - 8) / 4 : 0;
  const std::uint32_t least = std::min(16u, rows * cols);
  if (elements < least) {
    const std::uint32_t needed = (4 * least + 8) * streams * copies;
    throw UserError("operator '" + name + "'",
                    "its smallest tile needs " + std::to_string(needed) + " bytes of L1, " +
                        std::to_string(needed - budget) + " more than the " +
                        std::to_string(budget) + " that are free",
                    "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
  }
  // Several tiles, so that transfers run under computation, but none too small to be worth a
  // kernel.
  elements = std::min(elements, std::max(kSmallTile, (rows * cols + kTiles - 1) / kTiles));
  const auto [tile_rows, tile_cols] = extents(rows, cols, elements, by_columns);
  const std::uint32_t tiles =
      ((rows + tile_rows - 1) / tile_rows) * ((cols + tile_cols - 1) / tile_cols);
  open(tile_rows * tile_cols, std::min(copies, tiles));
  std::size_t number = 0;
  for (std::uint32_t r = 0; r < rows; r += tile_rows) {
    for (std::uint32_t k = 0; k < cols; k += tile_cols) {
      body({r, k, std::min(tile_rows, rows - r), std::min(tile_cols, cols - k), number++});
    }
  }
}

}  // namespace

void lower_loss(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  const auto elements = static_cast<double>(c.tensor(node.inputs[0]).elements());
  const auto scale_loss = static_cast<float>(1.0 / elements);
  const auto scale_grad = static_cast<float>(2.0 / elements);
  const bool wanted = op.loss_grad.has_value();
  const TensorId gradient = wanted ? c.graph().node(*op.loss_grad).outputs[0] : node.inputs[0];
  std::vector<Stream> streams;  // y, t, dy
  std::optional<L1Matrix> kept;
  const std::uint32_t rows = c.rows(node.inputs[0]);
  const std::uint32_t cols = c.cols(node.inputs[0]);
  if (wanted && c.worth_keeping(gradient) && c.tensor(gradient).bytes() <= c.l1.capacity() / 8) {
    const std::uint32_t ahead = read_ahead(rows, cols, c.platform.cluster.redmule);
    kept = L1Matrix{c.l1.take(4 * rows * cols + ahead), rows, cols, cols};
  }
  for_pieces(
      c, node.name, node.inputs[0], 3, true,
      [&](std::uint32_t tile, std::uint32_t copies) {
        streams.emplace_back(c, node.inputs[0], tile, copies);
        streams.emplace_back(c, node.inputs[1], tile, copies);
        if (!kept && wanted) {
          streams.emplace_back(c, gradient, tile, copies);
        }
      },
      [&](const Piece& piece) {
        c.layer(op.node);
        const L1Matrix y = streams[0].read(piece);
        const L1Matrix t = streams[1].read(piece);
        if (!wanted) {
          c.sequence.mse(y, t, y, c.loss_cell, scale_loss, scale_grad);
          return;
        }
        const L1Matrix dy = kept ? kept->slice(piece.row, piece.col, piece.rows, piece.cols)
                                 : streams[2].place(piece);
        c.sequence.mse(y, t, dy, c.loss_cell, scale_loss, scale_grad);
        if (!kept) {
          c.layer(*op.loss_grad);
          c.sequence.store(dy, c.stored(gradient, piece.row, piece.col));
        }
      });
  if (kept) {
    c.layer(*op.loss_grad);
    c.sequence.store(*kept, c.stored(gradient));
    c.l1.keep(gradient, false, *kept);
  }
  if (!wanted) {
    c.l1.drop(node.inputs[0]);
  }
  c.layer(op.node);
  c.sequence.store({c.loss_cell, 1, 1, 1}, c.stored(node.outputs[0]));
}

void lower_elementwise(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  const bool in_place = node.op == OpType::kSgd;
  std::vector<Stream> inputs;
  std::vector<Stream> output;
  const TensorId result = node.outputs[0];
  for_pieces(
      c, node.name, result, static_cast<std::uint32_t>(node.inputs.size()) + 1, false,
      [&](std::uint32_t tile, std::uint32_t copies) {
        for (TensorId input : node.inputs) {
          inputs.emplace_back(c, input, tile, copies);
        }
        if (!in_place) {
          output.emplace_back(c, result, tile, copies);
        }
      },
      [&](const Piece& piece) {
        std::vector<L1Matrix> in;
        for (const Stream& stream : inputs) {
          in.push_back(stream.read(piece));
        }
        const L1Matrix out = in_place ? in[0] : output[0].place(piece);
        switch (node.op) {
          case OpType::kRelu:
            c.sequence.relu_to(in[0], out);
            break;
          case OpType::kReluGrad:
            c.sequence.relu_grad(in[0], in[1], out);
            break;
          case OpType::kAdd:
            c.sequence.add(in[0], in[1], out);
            for (std::size_t i = 2; i < in.size(); ++i) {
              c.sequence.add(out, in[i], out);
            }
            break;
          case OpType::kSgd:
            c.sequence.sgd(in[0], in[1], static_cast<float>(node.real("lr")));
            c.sequence.probe({node.inputs[1], in[1], 4 * (piece.row * c.cols(result) + piece.col),
                              4 * c.cols(result)});
            break;
          default:
            throw std::logic_error("not an elementwise operator");
        }
        c.sequence.store(out, c.stored(result, piece.row, piece.col));
      });
  if (in_place) {
    c.l1.drop(node.inputs[0]);
  }
}

void lower_reduce(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  c.layer(op.node);
  const std::uint32_t cols = c.cols(node.inputs[0]);
  const L1Matrix sums{c.l1.take(4 * cols), 1, cols, cols};
  std::vector<Stream> input;
  for_pieces(
      c, node.name, node.inputs[0], 1, false,
      [&](std::uint32_t tile, std::uint32_t copies) {
        input.emplace_back(c, node.inputs[0], tile, copies);
      },
      [&](const Piece& piece) {
        c.sequence.column_sum(input[0].read(piece), sums.address + 4 * piece.col, piece.row > 0);
      });
  c.sequence.store(sums, c.stored(node.outputs[0]));
}

}  // namespace etude
