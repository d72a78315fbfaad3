// SPDX-License-Identifier: Apache-2.0
// Pooling and its gradients, in tiles of planes (a channel of a sample) and, forward, of rows.
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"
#include "compiler/operators/operator_table.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Tiles of less work than this are not worth a kernel.
constexpr std::uint32_t kSmallTile = 4096;
constexpr std::uint32_t kTiles = 8;
/// Alignment of an image, a gradient and a result.
constexpr Bytes kToAlign{24};

class PoolLowering {
 public:
  PoolLowering(LoweringContext& context, const Operator& op)
      : c_(context),
        node_(context.graph().node(op.node)),
        op_(op.node),
        masked_(op.relu_grad || op.relu) {
    average_ = node_.op == OpType::kAveragePool || node_.op == OpType::kAveragePoolGrad;
    gradient_ = node_.op == OpType::kMaxPoolGrad || node_.op == OpType::kAveragePoolGrad;
    result_ = c_.graph().node(op.relu_grad.value_or(op.node)).outputs[0];
    // The gradient of an average reads no image, but its result has the image's shape.
    const TensorId image = node_.op == OpType::kAveragePoolGrad ? result_ : node_.inputs.back();
    image_tensor_ = image;
    if (const auto relu = c_.step.pooled_relu(image); relu && masked_ && !average_) {
      image_tensor_ = c_.graph().node(*relu).inputs[0];  // the ReLU never runs by itself
    }
    g_ = geometry_of(c_.graph(), node_, c_.tensor(image).shape);
    planes_ = g_.samples * g_.channels;
    g_.samples = 1;
    g_.channels = planes_;
  }

  void run() {
    c_.layer(op_);
    const bool has_image = node_.op != OpType::kAveragePoolGrad;
    const bool has_dy = gradient_;
    if (has_image) {
      whole_image_ = dense_resident(c_, image_tensor_);
    }
    if (has_dy) {
      whole_dy_ = dense_resident(c_, node_.inputs[0]);
    }
    const std::uint32_t out_plane = gradient_ ? g_.image() : g_.pixels();
    if (c_.worth_keeping(result_) && c_.bytes(result_) <= c_.l1.capacity() / 8) {
      whole_result_ =
          L1Matrix{c_.l1.take(bytes_for(planes_ * out_plane) +
                              read_ahead(planes_, out_plane, c_.step.platform.cluster.redmule)),
                   planes_, out_plane, out_plane};
    }
    choose(has_image && !whole_image_, has_dy && !whole_dy_);
    open(has_image && !whole_image_, has_dy && !whole_dy_);
    for (std::uint32_t plane = 0; plane < planes_; plane += tile_planes_) {
      const std::uint32_t count = std::min(tile_planes_, planes_ - plane);
      for (std::uint32_t row = 0; row < g_.out_height; row += rows_) {
        const Strip strip{0, 1, row, std::min(rows_, g_.out_height - row)};
        gradient_ ? backward(plane, count, strip) : forward(plane, count, strip);
      }
    }
    if (whole_result_) {
      c_.tape.store(*whole_result_, stored_part(c_, result_, 0, out_plane));
      c_.l1.keep(result_, false, as_tensor(c_, result_, whole_result_->address));
    }
  }

 private:
  /// Windows need not reach every row, but the gradient of every row is written.
  std::uint32_t image_rows(std::uint32_t rows) const {
    return gradient_ ? g_.height : most_rows_under(g_, rows);
  }

  /// Of all buffers of a tile.
  Bytes bytes_of(std::uint32_t planes, std::uint32_t rows, bool image, bool dy) const {
    const std::uint32_t in = image ? image_rows(rows) * g_.width : 0;
    const std::uint32_t gradient = dy ? rows * g_.out_width : 0;
    const std::uint32_t out = whole_result_ ? 0 : gradient_ ? g_.image() : rows * g_.out_width;
    return bytes_for(planes * (in + gradient + out)) + kToAlign;
  }

  /// Whole planes if a worker can have one, else rows of planes.
  void choose(bool image, bool dy) {
    Bytes budget = std::min(c_.l1.available(), c_.part_of_l1(0.45));
    copies_ = c_.step.tiling.double_buffer ? 2 : 1;
    const std::uint32_t cores = c_.step.platform.cluster.cores;
    const auto fits = [&](std::uint32_t planes, std::uint32_t rows) {
      return copies_ * bytes_of(planes, rows, image, dy) <= budget;
    };
    const std::uint32_t enough = std::min(planes_, cores);
    const auto shrink = [&] {
      rows_ = g_.out_height;
      while (!gradient_ && rows_ > 1 && !fits(enough, rows_)) {
        rows_ = (rows_ + 1) / 2;
      }
      tile_planes_ = enough;
      while (tile_planes_ > 1 && !fits(tile_planes_, rows_)) {
        --tile_planes_;
      }
    };
    shrink();
    if (tile_planes_ < enough) {  // better crowded than idle cores
      budget = c_.l1.available();
      shrink();
    }
    if (!fits(tile_planes_, rows_)) {
      copies_ = 1;
    }
    if (!fits(tile_planes_, rows_)) {
      if (c_.residents) {
        throw NoRoom{};
      }
      if (const auto turned = upright(g_)) {  // one long row cannot be cut, a column can
        g_ = *turned;
        return choose(image, dy);
      }
      const Bytes needed = bytes_of(tile_planes_, rows_, image, dy);
      throw UserError("operator '" + node_.name + "'",
                      "its smallest tile, " + std::to_string(rows_) + " rows of one image, needs " +
                          std::to_string(needed.raw()) + " bytes of L1, " +
                          std::to_string((needed - budget).raw()) + " more than the " +
                          std::to_string(budget.raw()) + " that are free",
                      "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
    }
    // Larger tiles as long as there are several.
    const auto work = [&](std::uint32_t planes) {
      return planes * rows_ * g_.out_width * g_.taps();
    };
    const std::uint32_t most = (planes_ + kTiles - 1) / kTiles;
    while (tile_planes_ < planes_ && fits(std::min(planes_, tile_planes_ + cores), rows_) &&
           (tile_planes_ < most || work(tile_planes_) < kSmallTile)) {
      tile_planes_ = std::min(planes_, tile_planes_ + cores);
    }
  }

  void open(bool image, bool dy) {
    const std::uint32_t tiles =
        ((planes_ + tile_planes_ - 1) / tile_planes_) * ((g_.out_height + rows_ - 1) / rows_);
    const std::uint32_t copies = std::min(copies_, tiles);
    if (image) {
      image_.open(c_, copies, bytes_for(tile_planes_ * image_rows(rows_) * g_.width));
    }
    if (dy) {
      dy_.open(c_, copies, bytes_for(tile_planes_ * rows_ * g_.out_width));
    }
    if (!whole_result_) {
      out_.open(c_, copies,
                bytes_for(tile_planes_ * (gradient_ ? g_.image() : rows_ * g_.out_width)));
    }
  }

  /// Address of the image rows `rows` of some planes, and the elements between planes.
  std::pair<Address, std::uint32_t> image(std::uint32_t plane, std::uint32_t count,
                                          const ImageRows& rows) {
    if (whole_image_) {
      return {planes_of(*whole_image_, g_.image(), plane, count).at(0, rows.first * g_.width),
              g_.image()};
    }
    const Address address = image_.next({}).address;
    const std::uint32_t size = rows.count * g_.width;
    c_.tape.load(
        stored_part(c_, image_tensor_, plane * g_.image() + rows.first * g_.width, g_.image()),
        {address, count, size, size});
    return {address, size};
  }

  void forward(std::uint32_t plane, std::uint32_t count, const Strip& strip) {
    const ImageRows under = rows_under(g_, strip);
    const auto [address, pitch] = image(plane, count, under);
    const std::uint32_t size = strip.rows * g_.out_width, first = strip.row * g_.out_width;
    const L1Matrix out = whole_result_ ? whole_result_->slice(plane, first, count, size)
                                       : L1Matrix{out_.next({}).address, count, size, size};
    c_.tape.pool(average_, view_of(g_, count, strip, under, pitch), address, out, masked_);
    if (!whole_result_) {
      c_.tape.store(out, stored_part(c_, result_, plane * g_.pixels() + first, g_.pixels()));
    }
  }

  void backward(std::uint32_t plane, std::uint32_t count, const Strip& strip) {
    const ImageRows all{0, g_.height};
    Address x;
    if (!average_) {
      x = image(plane, count, all).first;
    }
    L1Matrix dy;
    if (whole_dy_) {
      dy = planes_of(*whole_dy_, g_.pixels(), plane, count);
    } else {
      dy = {dy_.next({}).address, count, g_.pixels(), g_.pixels()};
      c_.tape.load(stored_part(c_, node_.inputs[0], plane * g_.pixels(), g_.pixels()), dy);
    }
    const L1Matrix dx = whole_result_
                            ? whole_result_->slice(plane, 0, count, g_.image())
                            : L1Matrix{out_.next({}).address, count, g_.image(), g_.image()};
    c_.tape.pool_grad(average_, view_of(g_, count, strip, all, g_.image()), dy, x, dx.address,
                      masked_);
    if (!whole_result_) {
      c_.tape.store(dx, stored_part(c_, result_, plane * g_.image(), g_.image()));
    }
  }

  LoweringContext& c_;
  const Node& node_;
  NodeId op_;
  bool masked_;  ///< with a ReLU before the maximum, or its gradient
  TensorId image_tensor_{};
  bool average_ = false, gradient_ = false;
  TensorId result_{};
  ImageGeometry g_;  ///< all planes are channels of one sample
  std::uint32_t planes_ = 0, tile_planes_ = 1, rows_ = 1, copies_ = 1;
  std::optional<L1Matrix> whole_image_, whole_dy_, whole_result_;
  TileBuffers image_, dy_, out_;
};

}  // namespace

void lower_pool(LoweringContext& context, const Operator& op) { PoolLowering(context, op).run(); }

std::uint32_t activation_of(const LoweringContext& context, std::optional<NodeId> node) {
  return node ? row_of(context.graph().node(*node).op).activation : ETUDE_ACTIVATION_NONE;
}

L1Matrix as_tensor(const LoweringContext& context, TensorId tensor, Address address) {
  const std::uint32_t cols = context.cols(tensor);
  return {address, context.rows(tensor), cols, cols};
}

}  // namespace etude::compiler
