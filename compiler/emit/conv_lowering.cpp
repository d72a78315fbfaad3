// SPDX-License-Identifier: Apache-2.0
// Forward convolution as a product of the weight with columns of the image, with bias and
// activation on its tiles.
#include <algorithm>

#include "compiler/emit/conv_plan.h"
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

class ConvLowering {
 public:
  ConvLowering(LoweringContext& context, const Operator& op, const ConvProblem& problem)
      : c_(context),
        op_(op),
        node_(context.graph().node(op.node)),
        result_(context.graph().node(op.relu.value_or(op.node)).outputs[0]),
        plan_(plan_conv(context, node_, problem, result_, true)),
        tensors_{plan_.problem, plan_.tiling, node_.inputs[0], node_.inputs[1], 0} {}

  void run() {
    const ImageGeometry& g = p_.image;
    c_.tape.layers[op_.node].unit = p_.unit == Unit::kRedmule ? "redmule" : "cores";
    c_.layer(op_.node);
    ColumnFeed columns(c_, tensors_, false);
    WeightFeed weights(c_, tensors_, false);
    take_buffers();
    for (std::uint32_t group = 0; group < p_.groups; ++group) {
      const std::uint32_t end = (group + 1) * p_.outputs;
      const auto outputs = [&](auto&& body) {
        for (std::uint32_t o = group * p_.outputs; o < end; o += t_.outputs) {
          body(o, std::min(t_.outputs, end - o));
        }
      };
      if (t_.outputs_outer) {
        outputs([&](std::uint32_t o, std::uint32_t count) {
          for_strips(g, t_.rows, t_.samples,
                     [&](const Strip& strip) { tile(group, o, count, strip, columns, weights); });
        });
      } else {
        for_strips(g, t_.rows, t_.samples, [&](const Strip& strip) {
          outputs([&](std::uint32_t o, std::uint32_t count) {
            tile(group, o, count, strip, columns, weights);
          });
        });
      }
    }
    if (whole_) {
      c_.layer(op_.relu.value_or(op_.node));
      c_.tape.store(*whole_, stored_part(c_, result_, 0, g.pixels()));
      c_.l1.keep(result_, false, as_tensor(c_, result_, whole_->address));
    }
  }

 private:
  void take_buffers() {
    const ImageGeometry& g = p_.image;
    const RedmuleConfig& array = c_.step.platform.cluster.redmule;
    const ConvCounts n(p_, t_);
    const std::uint32_t pixels = t_.pixels(p_);
    if (t_.keep) {
      const std::uint32_t rows = g.samples * p_.groups * p_.outputs;
      const Bytes spare = bytes_for(array.width * g.pixels());  // rows that the array writes more
      whole_ = L1Matrix{
          c_.l1.take(bytes_for(rows * g.pixels()) + spare + read_ahead(rows, g.pixels(), array)),
          rows, g.pixels(), g.pixels()};
    }
    if (!t_.keep || p_.epilogue) {
      const std::uint32_t copies = t_.copies(p_.groups * n.strips() * n.outputs);
      const std::uint32_t pitch = p_.unit == Unit::kCores ? pixels + 1 : pixels;
      z_.open(c_, copies, bytes_for(stored_rows(p_.unit, t_.outputs, array) * pitch));
    }
    if (p_.half) {
      const std::uint32_t padded = padded_reduction(t_.channels * g.taps());
      const std::uint32_t strips = p_.groups * n.strips();
      half_w_.open(c_, t_.copies(p_.groups * n.outputs * n.channels),
                   half_bytes(t_.outputs, padded, array));
      half_columns_.open(c_, t_.copies(strips * n.channels), half_bytes(padded, pixels, array));
      half_z_.open(c_, t_.copies(strips * n.outputs),
                   half_bytes(stored_rows(p_.unit, t_.outputs, array), pixels, array));
    }
    if (node_.inputs.size() > 2) {
      const std::uint32_t all = p_.groups * p_.outputs;
      bias_ = c_.l1.take(bytes_for(all));
      c_.tape.load(c_.stored(node_.inputs[2]), {bias_, 1, all, all});
    }
  }

  /// Rows of the whole result that belong to a tile of one sample.
  L1Matrix whole_slice(std::uint32_t output0, std::uint32_t outputs, std::uint32_t sample,
                       const Strip& strip) const {
    const ImageGeometry& g = p_.image;
    return whole_->slice(sample * p_.groups * p_.outputs + output0, strip.row * g.out_width,
                         outputs, strip.rows * g.out_width);
  }

  void tile(std::uint32_t group, std::uint32_t output0, std::uint32_t outputs, const Strip& strip,
            ColumnFeed& columns, WeightFeed& weights) {
    const ImageGeometry& g = p_.image;
    const std::uint32_t pixels = strip.pixels(g), each = strip.rows * g.out_width;
    const bool array = p_.unit == Unit::kRedmule;
    L1Matrix z;
    if (whole_ && !p_.epilogue) {
      z = whole_slice(output0, outputs, strip.sample, strip);
    } else {
      z = {z_.next({}).address, outputs, pixels, tile_pitch(p_.unit, pixels, each == g.pixels())};
    }
    const std::uint32_t stored = stored_rows(p_.unit, outputs, c_.step.platform.cluster.redmule);
    L1Matrix half_z;
    if (p_.half) {
      half_z = {half_z_.next({}).address, outputs, pixels, pixels, DType::kFloat16};
      c_.layer(op_.node);
      c_.tape.clear({half_z.address, stored, pixels, pixels, DType::kFloat16});
    }
    for (std::uint32_t c0 = 0; c0 < g.channels; c0 += t_.channels) {
      const std::uint32_t channels = std::min(t_.channels, g.channels - c0);
      c_.layer(op_.node);
      const L1Matrix left = weights.fetch(output0, outputs, c0, channels);
      const L1Matrix right = columns.fetch(group * g.channels + c0, channels, strip);
      if (p_.half) {
        const L1Matrix w = converted(half_w_, {output0, outputs, c0, channels, 0}, left, false);
        const L1Matrix x = converted(
            half_columns_, {group * g.channels + c0, channels, strip.sample, strip.row, strip.rows},
            right, true);
        c_.tape.redmule(w, x, half_z, stored, true);
      } else if (array) {
        c_.tape.redmule(left, right, z, stored, c0 > 0);
      } else {
        c_.tape.gemm(left, right, z, channels * g.taps(), {}, c0 > 0 ? ETUDE_GEMM_ACCUMULATE : 0);
      }
    }
    if (p_.half) {
      c_.tape.convert(half_z, z);
    }
    c_.layer(op_.relu.value_or(op_.node));
    if (p_.epilogue) {
      epilogue(output0, outputs, strip, z);
    }
    for (std::uint32_t s = 0; !whole_ && s < strip.samples; ++s) {
      const std::uint32_t plane = (strip.sample + s) * p_.groups * p_.outputs + output0;
      c_.tape.store(
          z.slice(0, s * each, outputs, each),
          stored_part(c_, result_, plane * g.pixels() + strip.row * g.out_width, g.pixels()));
    }
  }

  /// A tile in FP16, its reduction (rows, or columns) padded with zeros.
  L1Matrix converted(TileBuffers& buffers, const TileBuffers::Key& key, const L1Matrix& tile,
                     bool along_rows) {
    if (const L1Matrix* found = buffers.find(key)) {
      return *found;
    }
    TileBuffers::Slot& slot = buffers.next(key);
    const std::uint32_t rows = along_rows ? padded_reduction(tile.rows) : tile.rows;
    const std::uint32_t cols = along_rows ? tile.cols : padded_reduction(tile.cols);
    slot.matrix = {slot.address, rows, cols, cols, DType::kFloat16};
    if (rows != tile.rows || cols != tile.cols) {
      c_.tape.clear(slot.matrix);
    }
    c_.tape.convert(tile, slot.matrix);
    return slot.matrix;
  }

  void epilogue(std::uint32_t output0, std::uint32_t outputs, const Strip& strip,
                const L1Matrix& z) {
    const std::uint32_t activation = activation_of(c_, op_.relu);
    const std::uint32_t each = strip.rows * p_.image.out_width;
    const auto apply = [&](const L1Matrix& from, const L1Matrix& to) {
      if (bias_ == Address{} && activation == ETUDE_ACTIVATION_RELU) {
        c_.tape.relu_to(from, to);
      } else {
        c_.tape.affine_rows(from, to, {}, bias_ == Address{} ? bias_ : bias_ + bytes_for(output0),
                            outputs, activation);
      }
    };
    if (!whole_) {
      apply(z, z);
      return;
    }
    for (std::uint32_t s = 0; s < strip.samples; ++s) {
      apply(z.slice(0, s * each, outputs, each),
            whole_slice(output0, outputs, strip.sample + s, strip));
    }
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  TensorId result_;
  const ConvPlan plan_;
  const ConvProblem& p_ = plan_.problem;
  const ConvTiling& t_ = plan_.tiling;
  ConvTensors tensors_;
  TileBuffers z_, half_w_, half_columns_, half_z_;
  std::optional<L1Matrix> whole_;
  Address bias_;  ///< 0: none
};

}  // namespace

void lower_conv(LoweringContext& context, const Operator& op) {
  const Node& node = context.graph().node(op.node);
  ConvProblem problem = conv_problem(context, node);
  if (is_depthwise(problem)) {
    return lower_depthwise(context, op, problem);
  }
  problem.x_resident = dense_resident(context, node.inputs[0]).has_value();
  problem.epilogue = op.relu.has_value() || node.inputs.size() > 2;
  ConvLowering(context, op, problem).run();
}

}  // namespace etude::compiler
