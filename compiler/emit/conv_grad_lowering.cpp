// SPDX-License-Identifier: Apache-2.0
// Gradients of a convolution: of the weight, with its update, and of the image.
#include <algorithm>

#include "compiler/emit/conv_plan.h"
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

/// dW[O, C*taps] = dY[O, pixels] rows[pixels, C*taps], summed over strips.
class GradWeightLowering {
 public:
  GradWeightLowering(LoweringContext& context, const Operator& op, const ConvProblem& problem)
      : c_(context),
        op_(op),
        node_(context.graph().node(op.node)),
        plan_(plan_conv(context, node_, problem, node_.outputs[0], false)),
        tensors_{plan_.problem, plan_.tiling, node_.inputs[1], 0, node_.inputs[0]} {
    if (op.sgd) {
      parameter_ = c_.graph().node(*op.sgd).inputs[0];
    }
  }

  void run() {
    const ImageGeometry& g = p_.image;
    const bool array = p_.unit == Unit::kRedmule;
    c_.tape.layers[op_.node].unit = array ? "redmule" : "cores";
    c_.layer(op_.node);
    GradientFeed gradients(c_, tensors_);
    ColumnFeed columns(c_, tensors_, array);  // the cores read columns the other way round
    take_buffers();
    for (std::uint32_t group = 0; group < p_.groups; ++group) {
      const std::uint32_t end = (group + 1) * p_.outputs;
      for (std::uint32_t c0 = 0; c0 < g.channels; c0 += t_.channels) {
        const std::uint32_t channels = std::min(t_.channels, g.channels - c0);
        for (std::uint32_t o = group * p_.outputs; o < end; o += t_.outputs) {
          tile(group, c0, channels, o, std::min(t_.outputs, end - o), gradients, columns);
        }
      }
    }
    if (op_.sgd) {
      c_.l1.drop(parameter_);
    }
  }

 private:
  void take_buffers() {
    const ConvCounts n(p_, t_);
    const std::uint32_t inner = t_.channels * p_.image.taps();
    const std::uint32_t tiles = p_.groups * n.outputs * n.channels;
    const std::uint32_t pitch = p_.unit == Unit::kCores ? inner + 1 : inner;
    z_.open(c_, t_.copies(tiles),
            bytes_for(stored_rows(p_.unit, t_.outputs, c_.step.platform.cluster.redmule) * pitch));
    if (op_.sgd) {
      const std::uint32_t updates =
          (t_.outputs + t_.update_rows - 1) / t_.update_rows * t_.copies(tiles);
      parameters_.open(c_, std::min(updates, t_.double_buffer ? 4u : 1u),
                       bytes_for(t_.update_rows * inner));
    }
  }

  void tile(std::uint32_t group, std::uint32_t channel0, std::uint32_t channels,
            std::uint32_t output0, std::uint32_t outputs, GradientFeed& gradients,
            ColumnFeed& columns) {
    const ImageGeometry& g = p_.image;
    const std::uint32_t inner = channels * g.taps();
    const bool array = p_.unit == Unit::kRedmule;
    const L1Matrix z{z_.next({}).address, outputs, inner,
                     tile_pitch(p_.unit, inner, inner == p_.inner())};
    c_.layer(op_.node);
    bool accumulate = false;
    for_strips(g, t_.rows, t_.samples, [&](const Strip& strip) {
      const L1Matrix dy = gradients.fetch(output0, outputs, strip);
      const L1Matrix made = columns.fetch(group * g.channels + channel0, channels, strip);
      if (array) {
        c_.tape.redmule(dy, made, z,
                        stored_rows(p_.unit, outputs, c_.step.platform.cluster.redmule),
                        accumulate);
      } else {
        c_.tape.gemm(dy, made, z, dy.cols, {},
                     ETUDE_GEMM_TRANS_B | (accumulate ? ETUDE_GEMM_ACCUMULATE : 0));
      }
      accumulate = true;
    });
    const std::uint32_t first = output0 * p_.inner() + channel0 * g.taps();
    if (!op_.sgd) {
      c_.tape.store(z, stored_part(c_, node_.outputs[0], first, p_.inner()));
      return;
    }
    c_.layer(*op_.sgd);
    const auto lr = static_cast<float>(c_.graph().node(*op_.sgd).real("lr"));
    for (std::uint32_t row = 0; row < outputs; row += t_.update_rows) {
      const std::uint32_t rows = std::min(t_.update_rows, outputs - row);
      const std::uint32_t offset = first + row * p_.inner();
      const L1Matrix gradient = z.slice(row, 0, rows, inner);
      const L1Matrix w{parameters_.next({}).address, rows, inner, inner};
      c_.tape.load(stored_part(c_, parameter_, offset, p_.inner()), w);
      c_.tape.sgd(w, gradient, lr);
      c_.tape.probe({node_.outputs[0], gradient, bytes_for(offset), bytes_for(p_.inner())});
      c_.tape.store(w, stored_part(c_, parameter_, offset, p_.inner()));
    }
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  const ConvPlan plan_;
  const ConvProblem& p_ = plan_.problem;
  const ConvTiling& t_ = plan_.tiling;
  ConvTensors tensors_;
  TensorId parameter_{};
  TileBuffers z_, parameters_;
};

/// dX = columns W^T dY, added up on the image: whole images of some channels stay in L1 while the
/// strips pass. As the transposed convolution of a forward pass it may have a bias.
class GradInputLowering {
 public:
  GradInputLowering(LoweringContext& context, const Operator& op, const ConvProblem& problem)
      : c_(context),
        op_(op),
        node_(context.graph().node(op.node)),
        plan_(plan_conv(context, node_, problem, node_.outputs[0], true)),
        tensors_{plan_.problem, plan_.tiling, 0, node_.inputs[1], node_.inputs[0]} {}

  void run() {
    const ImageGeometry& g = p_.image;
    c_.tape.layers[op_.node].unit = p_.unit == Unit::kRedmule ? "redmule" : "cores";
    c_.layer(op_.node);
    WeightFeed weights(c_, tensors_, true);
    GradientFeed gradients(c_, tensors_);
    take_buffers();
    for (std::uint32_t group = 0; group < p_.groups; ++group) {
      for (std::uint32_t c0 = 0; c0 < g.channels; c0 += t_.channels) {
        const std::uint32_t channels = std::min(t_.channels, g.channels - c0);
        for (std::uint32_t sample = 0; sample < g.samples; sample += t_.samples) {
          images(group, c0, channels, sample, std::min(t_.samples, g.samples - sample), weights,
                 gradients);
        }
      }
    }
    if (whole_) {
      c_.tape.store(*whole_, stored_part(c_, node_.outputs[0], 0, g.image()));
      c_.l1.keep(node_.outputs[0], false, as_tensor(c_, node_.outputs[0], whole_->address));
    }
  }

 private:
  bool direct() const { return p_.image.pointwise(); }

  void take_buffers() {
    const ImageGeometry& g = p_.image;
    const RedmuleConfig& array = c_.step.platform.cluster.redmule;
    const ConvCounts n(p_, t_);
    const std::uint32_t inner = t_.channels * g.taps(), pixels = t_.pixels(p_);
    const std::uint32_t tiles = p_.groups * n.strips() * n.channels;
    if (t_.keep) {
      const std::uint32_t rows = g.samples * p_.groups * g.channels;
      const Bytes spare = bytes_for(array.width * g.image());  // rows that the array writes more
      whole_ = L1Matrix{
          c_.l1.take(bytes_for(rows * g.image()) + spare + read_ahead(rows, g.image(), array)),
          rows, g.image(), g.image()};
    }
    if (!(t_.keep && direct())) {
      const std::uint32_t pitch = p_.unit == Unit::kCores ? pixels + 1 : pixels;
      z_.open(c_, t_.copies(tiles), bytes_for(stored_rows(p_.unit, inner, array) * pitch));
    }
    if (!direct() && !t_.keep) {
      images_.open(c_, t_.copies(p_.groups * n.samples * n.channels),
                   bytes_for(t_.samples * t_.channels * g.image()));
    }
    if (p_.epilogue) {
      const std::uint32_t all = p_.groups * g.channels;
      bias_ = c_.l1.take(bytes_for(all));
      c_.tape.load(c_.stored(node_.inputs[2]), {bias_, 1, all, all});
    }
  }

  /// Some channels of some samples, all strips.
  void images(std::uint32_t group, std::uint32_t channel0, std::uint32_t channels,
              std::uint32_t sample, std::uint32_t samples, WeightFeed& weights,
              GradientFeed& gradients) {
    const ImageGeometry& g = p_.image;
    const std::uint32_t size = g.image();
    const auto plane = [&](std::uint32_t s) {
      return (sample + s) * p_.groups * g.channels + group * g.channels + channel0;
    };
    c_.layer(op_.node);
    std::vector<L1Matrix> dx;  // of each sample
    if (!direct()) {
      const Address place = whole_ ? Address{} : images_.next({}).address;
      for (std::uint32_t s = 0; s < samples; ++s) {
        dx.push_back(whole_
                         ? whole_->slice(plane(s), 0, channels, size)
                         : L1Matrix{place + bytes_for(s * channels * size), channels, size, size});
        c_.tape.fill(dx.back(), 0.0f);
      }
    }
    for (std::uint32_t row = 0; row < g.out_height; row += t_.rows) {
      const Strip strip{sample, samples, row, std::min(t_.rows, g.out_height - row)};
      const L1Matrix z = product(group, channel0, channels, strip, plane(0), weights, gradients);
      const std::uint32_t each = strip.rows * g.out_width;
      for (std::uint32_t s = 0; s < samples; ++s) {
        const L1Matrix part = z.slice(0, s * each, z.rows, each);
        if (direct()) {
          add_bias(part, group, channel0);
          if (!whole_) {
            c_.tape.store(part,
                          stored_part(c_, node_.outputs[0], plane(s) * size + row * g.width, size));
          }
          continue;
        }
        const ImageRows under = rows_under(g, strip);
        c_.tape.col2im(view_of(g, channels, strip, under, size), part,
                       dx[s].at(0, under.first * g.width), true);
      }
    }
    for (std::uint32_t s = 0; s < dx.size(); ++s) {
      add_bias(dx[s], group, channel0);
      if (!whole_) {
        c_.tape.store(dx[s], stored_part(c_, node_.outputs[0], plane(s) * size, size));
      }
    }
  }

  /// To the rows of a matrix, which are channels of the result.
  void add_bias(const L1Matrix& rows, std::uint32_t group, std::uint32_t channel0) {
    if (p_.epilogue) {
      const std::uint32_t first = group * p_.image.channels + channel0;
      c_.tape.affine_rows(rows, rows, {}, bias_ + bytes_for(first), rows.rows,
                          ETUDE_ACTIVATION_NONE);
    }
  }

  /// W^T dY over one strip.
  L1Matrix product(std::uint32_t group, std::uint32_t channel0, std::uint32_t channels,
                   const Strip& strip, std::uint32_t plane, WeightFeed& weights,
                   GradientFeed& gradients) {
    const ImageGeometry& g = p_.image;
    const std::uint32_t inner = channels * g.taps(), pixels = strip.pixels(g);
    const bool array = p_.unit == Unit::kRedmule;
    const bool dense = strip.rows * g.out_width == g.pixels();
    const L1Matrix z = whole_ && direct() ? whole_->slice(plane, 0, channels, g.image())
                                          : L1Matrix{z_.next({}).address, inner, pixels,
                                                     direct() ? tile_pitch(p_.unit, pixels, dense)
                                                              : (array ? pixels : pixels | 1u)};
    const std::uint32_t begin = group * p_.outputs, end = begin + p_.outputs;
    for (std::uint32_t o = begin; o < end; o += t_.outputs) {
      const std::uint32_t outputs = std::min(t_.outputs, end - o);
      const L1Matrix w = weights.fetch(o, outputs, channel0, channels);
      const L1Matrix dy = gradients.fetch(o, outputs, strip);
      if (array) {
        c_.tape.redmule(w, dy, z, stored_rows(p_.unit, inner, c_.step.platform.cluster.redmule),
                        o > begin);
      } else {
        c_.tape.gemm(w, dy, z, outputs, {},
                     ETUDE_GEMM_TRANS_A | (o > begin ? ETUDE_GEMM_ACCUMULATE : 0));
      }
    }
    return z;
  }

  LoweringContext& c_;
  const Operator& op_;
  const Node& node_;
  const ConvPlan plan_;
  const ConvProblem& p_ = plan_.problem;
  const ConvTiling& t_ = plan_.tiling;
  ConvTensors tensors_;
  std::optional<L1Matrix> whole_;
  TileBuffers z_, images_;
  Address bias_;
};

}  // namespace

void lower_conv_grad_weight(LoweringContext& context, const Operator& op) {
  const Node& node = context.graph().node(op.node);
  ConvProblem problem = conv_problem(context, node);
  if (is_depthwise(problem)) {
    return lower_depthwise(context, op, problem);
  }
  problem.dy_resident = dense_resident(context, node.inputs[0]).has_value();
  problem.x_resident = dense_resident(context, node.inputs[1]).has_value();
  problem.sgd = op.sgd.has_value();
  GradWeightLowering(context, op, problem).run();
}

void lower_conv_grad_input(LoweringContext& context, const Operator& op) {
  const Node& node = context.graph().node(op.node);
  ConvProblem problem = conv_problem(context, node);
  if (is_depthwise(problem)) {
    return lower_depthwise(context, op, problem);
  }
  problem.dy_resident = dense_resident(context, node.inputs[0]).has_value();
  problem.epilogue = node.inputs.size() > 2;
  GradInputLowering(context, op, problem).run();
}

}  // namespace etude::compiler
