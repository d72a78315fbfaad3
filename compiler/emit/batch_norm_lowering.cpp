// SPDX-License-Identifier: Apache-2.0
// Batch normalisation and its gradients. Whole groups of channels pass through L1 once if they fit;
// else pieces of their pixels come once for each pass over them.
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"
#include "compiler/feeds/channel_tiles.h"
#include "compiler/operators/not_available.h"

namespace etude::compiler {

namespace {

/// Vectors that the forward pass leaves for the gradient: mean, 1 / deviation, scale, shift. Behind
/// them, where statistics move, the sum of squares.
constexpr std::uint32_t kStatistics = 4;

/// Vectors of all channels, and what is common to forward and backward.
class NormBase {
 public:
  NormBase(LoweringContext& context, const Node& node)
      : c_(context), node_(node), training_(node.integer("training") != 0) {}

 protected:
  /// A vector of a float per channel; loaded from a tensor if one is given.
  Address vector(std::optional<TensorId> from = {}) {
    const Address address = c_.l1.take(bytes_for(channels_));
    if (from) {
      c_.tape.load(stored_part(c_, *from, 0, channels_), matrix(address));
    }
    return address;
  }
  L1Matrix matrix(Address address) const { return {address, 1, channels_, channels_}; }

  /// The vectors from a channel on.
  static NormVectors from(const NormVectors& v, std::uint32_t channel) {
    const auto at = [&](Address address) {
      return address == Address{} ? address : address + bytes_for(channel);
    };
    return {at(v.gamma), at(v.beta),  at(v.mean), at(v.variance),
            at(v.scale), at(v.shift), at(v.rstd)};
  }

  /// Mean and sum of squared differences of the group, over two passes of tensor number `i`.
  void moments(ChannelTiles& tiles, std::size_t i, const NormVectors& v, std::uint32_t channel,
               std::uint32_t count) {
    tiles.for_pieces(channel, count, [&](const ChannelPiece& piece, bool first) {
      c_.tape.channel_sums(tiles.fetch(i, piece), {}, v.mean, !first);
    });
    const L1Matrix mean{v.mean, 1, count, count};
    c_.tape.unary(ETUDE_KERNEL_SCALE, mean, mean, inverse(tiles));
    tiles.for_pieces(channel, count, [&](const ChannelPiece& piece, bool first) {
      c_.tape.channel_sums(tiles.fetch(i, piece), v.mean, v.variance, !first);
    });
  }
  static float inverse(const ChannelTiles& tiles) {
    return static_cast<float>(1.0 / (static_cast<double>(tiles.samples) * tiles.pixels));
  }
  float epsilon() const { return static_cast<float>(node_.real("epsilon", 1e-5)); }

  LoweringContext& c_;
  const Node& node_;
  bool training_;
  std::uint32_t channels_ = 0;
};

class NormForward : NormBase {
 public:
  NormForward(LoweringContext& context, const Operator& op)
      : NormBase(context, context.graph().node(op.node)), op_(op) {}

  void run() {
    const TensorId x = node_.inputs[0];
    const TensorId y = c_.graph().node(op_.relu.value_or(op_.node)).outputs[0];
    c_.layer(op_.node);
    ChannelTiles tiles(c_, node_, {x}, training_ ? 3 : 1);
    channels_ = tiles.channels;
    NormVectors v;
    v.gamma = vector(node_.inputs[1]);
    v.beta = vector(node_.inputs[2]);
    v.scale = vector();
    v.shift = vector();
    v.mean = training_ ? vector() : vector(node_.inputs[3]);
    v.variance = training_ ? vector() : vector(node_.inputs[4]);
    v.rstd = training_ ? vector() : Address{};
    std::optional<L1Matrix> whole;
    if (c_.worth_keeping(y) && c_.bytes(y) <= c_.l1.capacity() / 8) {
      const std::uint32_t planes = tiles.samples * channels_;
      whole =
          L1Matrix{c_.l1.take(bytes_for(planes * tiles.pixels) +
                              read_ahead(planes, tiles.pixels, c_.step.platform.cluster.redmule)),
                   planes, tiles.pixels, tiles.pixels};
    }
    tiles.open(!whole);
    if (!training_) {
      c_.tape.batchnorm_scales(v, channels_, 1.0f, epsilon());
    }
    tiles.for_groups([&](std::uint32_t channel, std::uint32_t count) {
      const NormVectors mine = from(v, channel);
      c_.layer(op_.node);
      if (training_) {
        moments(tiles, 0, mine, channel, count);
        c_.tape.batchnorm_scales(mine, count, inverse(tiles), epsilon());
      }
      tiles.for_pieces(channel, count, [&](const ChannelPiece& piece, bool) {
        apply(tiles, piece, mine, whole, y);
      });
    });
    if (training_) {
      keep_statistics(x, v);
    }
    if (whole) {
      c_.layer(op_.relu.value_or(op_.node));
      c_.tape.store(*whole, stored_part(c_, y, 0, tiles.pixels));
      c_.l1.keep(y, false, as_tensor(c_, y, whole->address));
    }
  }

 private:
  void apply(ChannelTiles& tiles, const ChannelPiece& piece, const NormVectors& v,
             const std::optional<L1Matrix>& whole, TensorId y) {
    const ChannelBlock x = tiles.fetch(0, piece);
    const std::uint32_t activation = activation_of(c_, op_.relu);
    const std::uint32_t rows = x.samples * x.channels;
    const L1Matrix from{x.address, rows, x.cols, x.cols};
    if (!whole) {
      const ChannelBlock to = tiles.place(piece, {x});
      c_.tape.affine_rows(from, {to.address, rows, x.cols, x.cols}, v.scale, v.shift, x.channels,
                          activation);
      c_.layer(op_.relu.value_or(op_.node));
      tiles.store(y, piece, to);
      c_.layer(op_.node);
      return;
    }
    for (std::uint32_t s = 0; s < x.samples; ++s) {
      const std::uint32_t plane = (piece.sample + s) * channels_ + piece.channel;
      c_.tape.affine_rows(from.slice(s * x.channels, 0, x.channels, x.cols),
                          whole->slice(plane, piece.pixel, x.channels, x.cols), v.scale, v.shift,
                          x.channels, activation);
    }
  }

  /// The gradient needs them again.
  void keep_statistics(TensorId input, const NormVectors& v) {
    if (node_.phase == Phase::kRecompute) {
      return;  // the first run left them
    }
    const TensorId x = c_.step.origin(input);
    if (!c_.batch_statistics.contains(x)) {
      StoredObject object;
      object.name = node_.name + ".statistics";
      object.bytes = bytes_for((kStatistics + (moves(x) ? 1 : 0)) * channels_);
      c_.batch_statistics[x] = static_cast<ObjectId>(c_.tape.objects.size());
      c_.tape.objects.push_back(object);
    }
    const ObjectId object = c_.batch_statistics.at(x);
    Bytes offset;
    std::vector<Address> vectors{v.mean, v.rstd, v.scale, v.shift};
    if (moves(x)) {
      vectors.push_back(v.variance);
    }
    for (const Address kept : vectors) {
      c_.tape.store(matrix(kept), {object, offset, channels_});
      offset += bytes_for(channels_);
    }
  }

  bool moves(TensorId x) const {
    const Graph& graph = c_.step.plain_graph();
    return std::ranges::any_of(graph.consumers(x), [&](NodeId reader) {
      return graph.node(reader).op == OpType::kBatchNormStatistics;
    });
  }

  const Operator& op_;
};

class NormBackward : NormBase {
 public:
  NormBackward(LoweringContext& context, const Operator& op)
      : NormBase(context, context.graph().node(op.node)), op_(op) {}

  void run() {
    const bool masked = op_.relu_grad.has_value();
    const TensorId dy = masked ? c_.graph().node(*op_.relu_grad).inputs[0] : node_.inputs[0];
    const TensorId x = node_.inputs[1];
    c_.layer(op_.node);
    const bool sums = training_ || op_.weight_grad;
    ChannelTiles tiles(c_, node_, sums ? std::vector<TensorId>{x, dy} : std::vector<TensorId>{dy},
                       sums ? 2 : 1, masked ? std::optional<std::size_t>{1} : std::nullopt);
    channels_ = tiles.channels;
    const auto kept = c_.batch_statistics.find(c_.step.origin(x));
    const bool known = training_ && kept != c_.batch_statistics.end();
    NormVectors v;
    if (op_.input_grad) {
      v.gamma = vector(c_.graph().node(*op_.input_grad).inputs[2]);
      v.scale = vector();
      v.shift = training_ ? vector() : Address{};
    }
    const std::size_t statistics = node_.inputs.size() - 2;
    v.rstd = vector();
    if (known) {
      const ObjectId object = kept->second;
      v.mean = vector();
      c_.tape.load({object, {}, channels_}, matrix(v.mean));
      c_.tape.load({object, bytes_for(channels_), channels_}, matrix(v.rstd));
      if (masked) {
        open_ = {vector(), vector()};
        c_.tape.load({object, bytes_for(2 * channels_), channels_}, matrix(open_.first));
        c_.tape.load({object, bytes_for(3 * channels_), channels_}, matrix(open_.second));
      }
    } else {
      v.mean = training_ ? vector() : vector(node_.inputs[statistics]);
      v.variance = training_ ? vector() : vector(node_.inputs[statistics + 1]);
      if (masked) {
        open_ = {vector(), vector()};
        const TensorId y = c_.graph().node(*op_.relu_grad).inputs[1];
        const Node& relu = c_.graph().node(*c_.graph().producer(y));
        const Node& norm = c_.graph().node(*c_.graph().producer(relu.inputs[0]));
        v.gamma = v.gamma != Address{} ? v.gamma : vector(norm.inputs[1]);
        v.beta = vector(norm.inputs[2]);
      }
    }
    const Address dbeta = sums ? vector() : Address{}, dgamma = sums ? vector() : Address{};
    const Address scale_x = training_ ? vector() : Address{};
    tiles.open(op_.input_grad.has_value());
    if (!training_) {
      c_.tape.batchnorm_scales(v, channels_, 1.0f, epsilon());
    }
    tiles.for_groups([&](std::uint32_t channel, std::uint32_t count) {
      const NormVectors mine = from(v, channel);
      c_.layer(op_.node);
      if (training_ && !known) {
        moments(tiles, 0, mine, channel, count);
        NormVectors only = mine;
        only.scale = masked ? open_.first + bytes_for(channel) : Address{};
        only.shift = masked ? open_.second + bytes_for(channel) : Address{};
        c_.tape.batchnorm_scales(only, count, inverse(tiles), epsilon());
      }
      if (sums) {
        c_.layer(op_.weight_grad.value_or(op_.node));
        tiles.for_pieces(channel, count, [&](const ChannelPiece& piece, bool first) {
          const ChannelBlock image = tiles.fetch(0, piece);
          c_.tape.channel_products(image, fetch_gradient(tiles, piece, image, 1), mine.mean,
                                   mine.rstd, dbeta + bytes_for(channel),
                                   dgamma + bytes_for(channel), !first);
        });
      }
      if (op_.input_grad) {
        c_.layer(*op_.input_grad);
        gradient(tiles, mine, channel, count, dbeta + bytes_for(channel),
                 dgamma + bytes_for(channel), scale_x + bytes_for(channel));
      }
    });
    if (op_.weight_grad) {
      finish(dgamma, v.gamma, 0, op_.sgd);
      finish(dbeta, {}, 1, op_.bias_sgd);
    }
  }

 private:
  void gradient(ChannelTiles& tiles, const NormVectors& v, std::uint32_t channel,
                std::uint32_t count, Address dbeta, Address dgamma, Address scale_x) {
    const TensorId result = c_.graph().node(*op_.input_grad).outputs[0];
    const bool sums = training_ || op_.weight_grad;
    if (training_) {
      c_.tape.batchnorm_slopes(v, dbeta, dgamma, scale_x, count, inverse(tiles));
    }
    tiles.for_pieces(channel, count, [&](const ChannelPiece& piece, bool) {
      std::vector<ChannelBlock> fetched;
      if (sums) {
        fetched.push_back(tiles.fetch(0, piece));
      }
      fetched.push_back(fetch_gradient(tiles, piece, sums ? fetched[0] : ChannelBlock{}, sums));
      const ChannelBlock to = tiles.place(piece, fetched);
      const ChannelBlock& dy = fetched.back();
      if (training_) {
        c_.tape.affine_pair(dy, fetched[0], to, v.scale, scale_x, v.shift);
      } else {
        const std::uint32_t rows = dy.samples * dy.channels;
        c_.tape.affine_rows({dy.address, rows, dy.cols, dy.cols},
                            {to.address, rows, dy.cols, dy.cols}, v.scale, {}, dy.channels,
                            ETUDE_ACTIVATION_NONE);
      }
      tiles.store(result, piece, to);
    });
  }

  /// The piece of dy, masked when it comes.
  ChannelBlock fetch_gradient(ChannelTiles& tiles, const ChannelPiece& piece,
                              const ChannelBlock& image, std::size_t number) {
    bool fresh = false;
    const ChannelBlock dy = tiles.fetch(number, piece, &fresh);
    if (op_.relu_grad && fresh) {
      const Bytes at = bytes_for(piece.channel);
      c_.tape.affine_mask(image, dy, open_.first + at, open_.second + at);
    }
    return dy;
  }

  /// A vector's gradient updates it, or goes to L2.
  void finish(Address gradient, Address loaded, std::size_t output, std::optional<NodeId> update) {
    const TensorId tensor = c_.graph().node(*op_.weight_grad).outputs[output];
    if (!update) {
      c_.layer(*op_.weight_grad);
      c_.tape.store(matrix(gradient), stored_part(c_, tensor, 0, channels_));
      return;
    }
    const Node& sgd = c_.graph().node(*update);
    c_.layer(*update);
    const Address parameter = loaded != Address{} ? loaded : vector(sgd.inputs[0]);
    c_.tape.sgd(matrix(parameter), matrix(gradient), static_cast<float>(sgd.real("lr")));
    c_.tape.probe({tensor, matrix(gradient), {}, bytes_for(channels_)});
    c_.tape.store(matrix(parameter), stored_part(c_, sgd.inputs[0], 0, channels_));
    c_.l1.drop(sgd.inputs[0]);
  }

  const Operator& op_;
  std::pair<Address, Address> open_;  ///< scale and shift before a ReLU
};

}  // namespace

void lower_norm_statistics(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  const Tensor& x = c.tensor(node.inputs[0]);
  const auto kept = c.batch_statistics.find(c.step.origin(node.inputs[0]));
  if (kept == c.batch_statistics.end()) {
    throw NotAvailable("node '" + node.name + "'",
                       "its statistics move, and no normalisation uses those of the batch",
                       "give one");
  }
  const auto channels = static_cast<std::uint32_t>(x.shape[1]);
  const double count = static_cast<double>(x.elements()) / channels;
  const auto rate =
      static_cast<float>(1.0 - static_cast<double>(static_cast<float>(node.real("momentum", 0.9))));
  c.layer(op.node);
  const auto vector = [&] {
    return L1Matrix{c.l1.take(bytes_for(channels)), 1, channels, channels};
  };
  const L1Matrix batch = vector();
  const L1Matrix moving = vector();
  for (const bool variance : {false, true}) {
    const Bytes at = variance ? kStatistics * bytes_for(channels) : Bytes{};
    const TensorId home = node.inputs[variance ? 2 : 1];
    c.tape.load({kept->second, at, channels}, batch);
    c.tape.load(stored_part(c, home, 0, channels), moving);
    if (variance) {
      c.tape.unary(ETUDE_KERNEL_SCALE, batch, batch, static_cast<float>(1.0 / count));
    }
    // moving - (1 - momentum) (moving - batch)
    c.tape.binary(ETUDE_KERNEL_SUB, moving, batch, batch);
    c.tape.sgd(moving, batch, rate);
    c.tape.store(moving, stored_part(c, home, 0, channels));
    c.l1.drop(home);
  }
}

void lower_batch_norm(LoweringContext& context, const Operator& op) {
  if (context.graph().node(op.node).op == OpType::kBatchNorm) {
    NormForward(context, op).run();
  } else {
    NormBackward(context, op).run();
  }
}

}  // namespace etude::compiler
