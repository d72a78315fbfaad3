// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution and its gradients on the cores, in tiles of channels of one sample, and of
// rows where images are large.
#include "compiler/emit/conv_plan.h"
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Tiles of less work than this are not worth a kernel.
constexpr std::uint32_t kSmallTile = 2048;

/// Rows of one side of the windows and the rows of the other side that belong to them.
struct RowStrip {
  std::uint32_t image_row = 0, image_rows = 1, out_row = 0, out_rows = 1;
};

class Depthwise {
 public:
  Depthwise(LoweringContext& context, const Operator& op, const ConvProblem& problem)
      : c_(context), op_(op), node_(context.graph().node(op.node)), g_(problem.image) {
    channels_ = problem.groups;
    input_grad_ = node_.op == OpType::kConvGradInput;
    weight_grad_ = node_.op == OpType::kConvGradWeight;
    const auto& in = node_.inputs;
    result_ = c_.graph().node(op.relu.value_or(op.node)).outputs[0];
    // Two images pass through: the one before the convolution and the one behind it.
    image_ = input_grad_ ? result_ : in[weight_grad_ ? 1 : 0];
    pooled_ = input_grad_ || weight_grad_ ? in[0] : result_;
  }

  void run() {
    c_.layer(op_.node);
    const std::uint32_t taps = g_.taps();
    if (!input_grad_) {
      whole_image_ = dense_resident(c_, image_);
    }
    if (input_grad_ || weight_grad_) {
      whole_pooled_ = dense_resident(c_, pooled_);
    }
    if (!weight_grad_ && c_.worth_keeping(result_) && c_.bytes(result_) <= c_.l1.capacity() / 8) {
      const std::uint32_t planes = g_.samples * channels_;
      const std::uint32_t size = input_grad_ ? g_.image() : g_.pixels();
      whole_result_ =
          L1Matrix{c_.l1.take(bytes_for(planes * size) +
                              read_ahead(planes, size, c_.step.platform.cluster.redmule)),
                   planes, size, size};
    }
    if (!weight_grad_) {
      weights_ = c_.l1.take(bytes_for(channels_ * taps));
      c_.tape.load(stored_part(c_, node_.inputs[1], 0, channels_ * taps),
                   {weights_, 1, channels_ * taps, channels_ * taps});
    } else {
      weights_ = c_.l1.take(bytes_for(channels_ * taps));  // their gradient
      parameter_ = op_.sgd ? c_.l1.take(bytes_for(channels_ * taps)) : Address{};
    }
    if (node_.inputs.size() > 2) {
      bias_ = c_.l1.take(bytes_for(channels_));
      c_.tape.load(stored_part(c_, node_.inputs[2], 0, channels_),
                   {bias_, 1, channels_, channels_});
    }
    choose();
    for (std::uint32_t channel = 0; channel < channels_; channel += tile_channels_) {
      const std::uint32_t count = std::min(tile_channels_, channels_ - channel);
      for (std::uint32_t sample = 0; sample < g_.samples; ++sample) {
        for (const RowStrip& strip : strips_) {
          tile(channel, count, sample, strip);
        }
      }
    }
    if (whole_result_) {
      c_.layer(op_.relu.value_or(op_.node));
      c_.tape.store(*whole_result_, stored_part(c_, result_, 0, whole_result_->cols));
      c_.l1.keep(result_, false, as_tensor(c_, result_, whole_result_->address));
    }
    if (weight_grad_) {
      update();
    }
  }

 private:
  /// The strips of `rows` rows of the result (of the windows for the weight's gradient).
  std::vector<RowStrip> cut(std::uint32_t rows) const {
    std::vector<RowStrip> strips;
    const std::uint32_t whole = input_grad_ ? g_.height : g_.out_height;
    for (std::uint32_t row = 0; row < whole; row += rows) {
      const std::uint32_t count = std::min(rows, whole - row);
      if (!input_grad_) {
        const ImageRows under = rows_under(g_, {0, 1, row, count});
        strips.push_back({under.first, under.count, row, count});
        continue;
      }
      // Windows that reach these image rows: y * stride - top + ky * dilation in [row, row +
      // count).
      const auto s = static_cast<std::int64_t>(g_.stride_h);
      const std::int64_t low = static_cast<std::int64_t>(row) + g_.top - g_.reach_h() + 1;
      const std::int64_t first = std::max<std::int64_t>(0, low <= 0 ? 0 : (low + s - 1) / s);
      const std::int64_t last = std::min<std::int64_t>(
          g_.out_height - 1, (static_cast<std::int64_t>(row) + count - 1 + g_.top) / s);
      const auto from =
          static_cast<std::uint32_t>(std::min<std::int64_t>(first, g_.out_height - 1));
      strips.push_back({row, count, from,
                        static_cast<std::uint32_t>(std::max<std::int64_t>(last - from + 1, 1))});
    }
    return strips;
  }

  Bytes bytes_of(std::uint32_t channels, const std::vector<RowStrip>& strips) const {
    std::uint32_t image = 0, out = 0;
    for (const RowStrip& s : strips) {
      image = std::max(image, s.image_rows * g_.width);
      out = std::max(out, s.out_rows * g_.out_width);
    }
    constexpr Bytes kToAlign{8};
    Bytes bytes;
    if (input_grad_ ? !whole_result_ : !whole_image_) {
      bytes += bytes_for(channels * image) + kToAlign;
    }
    if (node_.op == OpType::kConv ? !whole_result_ : !whole_pooled_) {
      bytes += bytes_for(channels * out) + kToAlign;
    }
    return bytes;
  }

  void choose() {
    const Bytes all = c_.l1.available();
    const Bytes some = std::min(all, c_.part_of_l1(0.5));
    const std::uint32_t cores = std::min(channels_, c_.step.platform.cluster.cores);
    std::uint32_t copies = c_.step.tiling.double_buffer ? 2 : 1;
    std::uint32_t rows = input_grad_ ? g_.height : g_.out_height;
    strips_ = cut(rows);
    tile_channels_ = cores;
    const auto shrink = [&](Bytes budget) {
      while (copies * bytes_of(tile_channels_, strips_) > budget && rows > 8) {
        rows = (rows + 1) / 2;
        strips_ = cut(rows);
      }
      while (copies * bytes_of(tile_channels_, strips_) > budget && tile_channels_ > 1) {
        tile_channels_ = (tile_channels_ + 1) / 2;
      }
      while (copies * bytes_of(tile_channels_, strips_) > budget && rows > 1) {
        rows = (rows + 1) / 2;
        strips_ = cut(rows);
      }
      return copies * bytes_of(tile_channels_, strips_) <= budget;
    };
    const bool fits = copies * bytes_of(cores, strips_) <= some;
    if (!fits && !shrink(all)) {
      copies = 1;
      if (!shrink(all)) {
        if (c_.residents) {
          throw NoRoom{};
        }
        if (const auto turned = upright(g_)) {  // one long row cannot be cut, a column can
          g_ = *turned;
          return choose();
        }
        const Bytes needed = bytes_of(tile_channels_, strips_);
        throw UserError("operator '" + node_.name + "'",
                        "its smallest tile, a row of a channel, needs " +
                            std::to_string(needed.raw()) + " bytes of L1, " +
                            std::to_string((needed - all).raw()) + " more than the " +
                            std::to_string(all.raw()) + " that are free",
                        "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
      }
    }
    if (fits) {  // larger tiles as long as there are several
      const auto work = [&](std::uint32_t n) { return n * g_.pixels() * g_.taps(); };
      for (;;) {
        const std::uint32_t more = std::min(channels_, tile_channels_ + cores);
        const bool small = work(tile_channels_) < kSmallTile || 8 * tile_channels_ < channels_;
        if (more == tile_channels_ || !small || copies * bytes_of(more, strips_) > some) {
          break;
        }
        tile_channels_ = more;
      }
    }
    const auto tiles = static_cast<std::uint32_t>((channels_ + tile_channels_ - 1) /
                                                  tile_channels_ * g_.samples * strips_.size());
    std::uint32_t image = 0, out = 0;
    for (const RowStrip& s : strips_) {
      image = std::max(image, s.image_rows * g_.width);
      out = std::max(out, s.out_rows * g_.out_width);
    }
    if (input_grad_ ? !whole_result_ : !whole_image_) {
      images_.open(c_, std::min(copies, tiles), bytes_for(tile_channels_ * image));
    }
    if (node_.op == OpType::kConv ? !whole_result_ : !whole_pooled_) {
      pooled_buffers_.open(c_, std::min(copies, tiles), bytes_for(tile_channels_ * out));
    }
  }

  /// Rows of some channels of a sample of a tensor, in L1.
  L1Matrix part(const std::optional<L1Matrix>& whole, TileBuffers& buffers, TensorId tensor,
                bool load, std::uint32_t plane, std::uint32_t count, std::uint32_t first,
                std::uint32_t size, std::uint32_t all) {
    if (whole) {
      return planes_of(*whole, all, plane, count).slice(0, first, count, size);
    }
    const L1Matrix made{buffers.next({}).address, count, size, size};
    if (load) {
      c_.tape.load(stored_part(c_, tensor, plane * all + first, all), made);
    }
    return made;
  }

  void tile(std::uint32_t channel, std::uint32_t count, std::uint32_t sample,
            const RowStrip& strip) {
    const std::uint32_t plane = sample * channels_ + channel, taps = g_.taps();
    c_.layer(op_.node);
    const L1Matrix image =
        part(input_grad_ ? whole_result_ : whole_image_, images_, image_, !input_grad_, plane,
             count, strip.image_row * g_.width, strip.image_rows * g_.width, g_.image());
    const bool forward = node_.op == OpType::kConv;
    const L1Matrix pooled =
        part(forward ? whole_result_ : whole_pooled_, pooled_buffers_, pooled_, !forward, plane,
             count, strip.out_row * g_.out_width, strip.out_rows * g_.out_width, g_.pixels());
    const WindowView view = view_of(g_, count, {0, 1, strip.out_row, strip.out_rows},
                                    {strip.image_row, strip.image_rows}, image.pitch);
    const Address weights = weights_ + bytes_for(channel * taps);
    if (weight_grad_) {
      const bool first = sample == 0 && strip.out_row == 0;
      c_.tape.depthwise_grad_weight(view, image.address, pooled, weights, !first);
      return;
    }
    if (input_grad_) {
      c_.tape.depthwise_grad_input(view, pooled, weights, image.address);
      if (bias_ != Address{}) {
        c_.tape.affine_rows(image, image, {}, bias_ + bytes_for(channel), count,
                            ETUDE_ACTIVATION_NONE);
      }
    } else {
      c_.tape.depthwise(view, image.address, weights, pooled);
      const std::uint32_t activation = activation_of(c_, op_.relu);
      if (bias_ != Address{} || activation != ETUDE_ACTIVATION_NONE) {
        c_.layer(op_.relu.value_or(op_.node));
        c_.tape.affine_rows(pooled, pooled, {},
                            bias_ == Address{} ? bias_ : bias_ + bytes_for(channel), count,
                            activation);
      }
    }
    if (!whole_result_) {
      const L1Matrix& made = input_grad_ ? image : pooled;
      const std::uint32_t all = input_grad_ ? g_.image() : g_.pixels();
      const std::uint32_t first =
          input_grad_ ? strip.image_row * g_.width : strip.out_row * g_.out_width;
      c_.tape.store(made, stored_part(c_, result_, plane * all + first, all));
    }
  }

  void update() {
    const std::uint32_t n = channels_ * g_.taps();
    const L1Matrix gradient{weights_, 1, n, n};
    if (!op_.sgd) {
      c_.tape.store(gradient, stored_part(c_, result_, 0, n));
      return;
    }
    const Node& sgd = c_.graph().node(*op_.sgd);
    c_.layer(*op_.sgd);
    const L1Matrix w{parameter_, 1, n, n};
    c_.tape.load(stored_part(c_, sgd.inputs[0], 0, n), w);
    c_.tape.sgd(w, gradient, static_cast<float>(sgd.real("lr")));
    c_.tape.probe({node_.outputs[0], gradient, {}, bytes_for(n)});
    c_.tape.store(w, stored_part(c_, sgd.inputs[0], 0, n));
    c_.l1.drop(sgd.inputs[0]);
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  ImageGeometry g_;
  bool input_grad_ = false, weight_grad_ = false;
  TensorId result_{}, image_{}, pooled_{};
  std::uint32_t channels_ = 1, tile_channels_ = 1;
  Address weights_, bias_, parameter_;  ///< 0: none
  std::vector<RowStrip> strips_;
  std::optional<L1Matrix> whole_image_, whole_pooled_, whole_result_;
  TileBuffers images_, pooled_buffers_;
};

}  // namespace

void lower_depthwise(LoweringContext& context, const Operator& op, const ConvProblem& problem) {
  Depthwise(context, op, problem).run();
}

}  // namespace etude::compiler
