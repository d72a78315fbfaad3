// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_network.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/support/draw.h"
#include "tests/support/image_network.h"
#include "workloads/networks/cct.h"
#include "workloads/training/loss.h"
#include "workloads/training/methods.h"

namespace etude::test {
namespace {

using Integers = std::vector<std::int64_t>;

/// Layers one behind the other.
class Layers {
 public:
  Layers(Draw& draw, std::string name, Shape shape) : draw_(draw) {
    network_.graph.name = std::move(name);
    x_ = tensor("input", std::move(shape), TensorKind::kInput, false);
    network_.inputs = {x_};
  }

  const Shape& shape() const { return network_.graph.tensor(x_).shape; }

  TensorId add(OpType op, std::vector<TensorId> inputs, Attributes attributes = {}) {
    const std::string name = "layer" + std::to_string(layers_++);
    names_ += std::string(" ") + name_of(op);
    const NodeId made = network_.graph.add(
        Node{name, op, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name, TensorKind::kActivation}});
    return network_.graph.node(made).outputs[0];
  }
  void apply(OpType op, Attributes attributes = {}) { x_ = add(op, {x_}, std::move(attributes)); }

  TensorId parameter(const char* what, Shape shape, float fill = 0, bool trained = true) {
    const TensorId id = tensor("layer" + std::to_string(layers_) + "." + what, std::move(shape),
                               TensorKind::kParameter, trained);
    if (fill != 0) {
      network_.graph.tensor(id).fill = fill;
    }
    return id;
  }

  void linear(std::uint64_t out, bool bias) {
    std::vector<TensorId> in{x_, parameter("weight", {shape().back(), out})};
    if (bias) {
      in.push_back(parameter("bias", {out}));
    }
    x_ = add(OpType::kGemm, in);
  }

  void conv(std::uint64_t outputs, std::int64_t kernel, std::int64_t stride, std::int64_t groups,
            bool bias) {
    const std::int64_t pad = kernel / 2;
    const auto side = static_cast<std::uint64_t>(kernel);
    std::vector<TensorId> in{
        x_, parameter("weight",
                      {outputs, shape()[1] / static_cast<std::uint64_t>(groups), side, side})};
    if (bias) {
      in.push_back(parameter("bias", {outputs}));
    }
    x_ = add(OpType::kConv, in,
             {{"kernel_shape", Integers{kernel, kernel}},
              {"strides", Integers{stride, stride}},
              {"pads", Integers{pad, pad, pad, pad}},
              {"group", groups}});
  }

  void batch_norm() {
    const Shape channels{shape()[1]};
    x_ = add(OpType::kBatchNorm,
             {x_, parameter("scale", channels, 0.75f), parameter("bias", channels),
              parameter("mean", channels, 0, false), parameter("variance", channels, 1.5f, false)},
             {{"training", std::int64_t{1}}, {"epsilon", 1e-5}});
  }

  void layer_norm() {
    const Shape features{shape().back()};
    x_ = add(OpType::kLayerNorm,
             {x_, parameter("scale", features, 0.75f), parameter("bias", features)},
             {{"epsilon", 1e-5}});
  }

  /// x plus, or times, its sums over an axis: their gradients are sums over the same axis.
  void with_sums(std::int64_t axis, OpType op) {
    const TensorId sums =
        add(OpType::kReduceSum, {x_}, {{"axes", Integers{axis}}, {"keepdims", std::int64_t{1}}});
    const double few = 1.0 / static_cast<double>(axis == 0 ? shape().front() : shape().back());
    x_ = add(op, {x_, add(OpType::kScale, {sums}, {{"factor", few}})});
  }

  void residual(OpType op) { x_ = add(OpType::kAdd, {x_, add(op, {x_})}); }

  /// A trained row, or tensor, that is added.
  void offset(bool row) {
    const Shape of = row ? Shape{shape().back()} : shape();
    x_ = add(OpType::kAdd, {x_, parameter("offset", of)});
  }

  std::pair<std::string, Network> finish() {
    network_.output = x_;
    const std::uint32_t kind = draw_.below(shape().size() == 2 && shape()[1] > 1 ? 3 : 2);
    add_loss(network_, kind == 2   ? LossKind::kCrossEntropy
                       : kind == 1 ? LossKind::kBce
                                   : LossKind::kMse);
    names_ += kind == 2 ? " -> cross entropy" : kind == 1 ? " -> bce" : " -> mse";
    network_.graph.validate();
    return {network_.graph.name + names_, std::move(network_)};
  }

 private:
  TensorId tensor(const std::string& name, Shape shape, TensorKind kind, bool trained) {
    return add_tensor(network_.graph, name, std::move(shape), kind, trained);
  }

  Draw& draw_;
  Network network_;
  TensorId x_{};
  std::string names_;
  int layers_ = 0;
};

OpType activation(Draw& draw) {
  constexpr OpType kKinds[] = {OpType::kRelu, OpType::kGelu, OpType::kTanh, OpType::kSigmoid,
                               OpType::kRelu};
  return kKinds[draw.below(std::size(kKinds))];
}

std::pair<std::string, Network> perceptron(Draw& draw) {
  std::vector<unsigned> sizes;
  const std::uint32_t layers = 1 + draw.below(5);
  for (std::uint32_t i = 0; i <= layers; ++i) {
    sizes.push_back(4 + draw.below(draw.below(2) == 0 ? 40 : 320));
  }
  if (draw.below(3) == 0) {
    sizes.back() = sizes.front();
  }
  const unsigned batch = 1 + draw.below(draw.below(2) == 0 ? 16 : 96);
  std::string name = "mlp";
  for (const unsigned size : sizes) {
    name += "-" + std::to_string(size);
  }
  return {name + " batch " + std::to_string(batch), make_network("mlp", sizes, batch)};
}

std::pair<std::string, Network> rows(Draw& draw) {
  const std::uint64_t samples = 2 + draw.below(draw.below(2) == 0 ? 16 : 120);
  const std::uint64_t features = 2 + draw.below(draw.below(3) == 0 ? 2600 : 160);
  Layers net(draw, "rows " + std::to_string(samples) + "x" + std::to_string(features),
             {samples, features});
  const std::uint32_t layers = 2 + draw.below(5);
  for (std::uint32_t i = 0; i < layers; ++i) {
    switch (draw.below(7)) {
      case 0:
        net.layer_norm();
        break;
      case 1:
        net.with_sums(draw.below(2), draw.below(2) == 0 ? OpType::kAdd : OpType::kMul);
        break;
      case 2:
        net.residual(activation(draw));
        break;
      case 3:
        net.offset(draw.below(2) == 0);
        break;
      case 4:
        net.apply(activation(draw));
        break;
      default:
        if (net.shape()[1] > 400) {
          net.offset(true);
        } else {
          net.linear(2 + draw.below(200), draw.below(2) == 0);
        }
    }
  }
  net.linear(2 + draw.below(net.shape()[1] > 400 ? 12 : 160), draw.below(2) == 0);
  return net.finish();
}

std::pair<std::string, Network> images(Draw& draw) {
  const std::uint64_t side = 5 + draw.below(draw.below(3) == 0 ? 40 : 14);
  const std::uint64_t samples = 1 + draw.below(3), channels = 2 + draw.below(10);
  Layers net(draw,
             "images " + std::to_string(samples) + "x" + std::to_string(channels) + "x" +
                 std::to_string(side),
             {samples, channels, side, side});
  const std::uint32_t layers = 2 + draw.below(4);
  for (std::uint32_t i = 0; i < layers; ++i) {
    const bool depthwise = draw.below(4) == 0;
    const std::uint64_t out = depthwise ? net.shape()[1] : 4 * (1 + draw.below(6));
    constexpr std::int64_t kKernels[] = {1, 3, 3, 5};
    net.conv(out, kKernels[draw.below(4)], 1 + draw.below(4) / 3,
             depthwise ? static_cast<std::int64_t>(out) : 1, draw.below(2) == 0);
    if (draw.below(2) == 0) {
      net.batch_norm();
    }
    if (draw.below(3) != 0) {
      net.apply(draw.below(4) == 0 ? OpType::kRelu6 : OpType::kRelu);
    }
    if (net.shape()[2] > 4 && draw.below(3) == 0) {
      net.apply(draw.below(2) == 0 ? OpType::kMaxPool : OpType::kAveragePool,
                {{"kernel_shape", Integers{2, 2}},
                 {"strides", Integers{2, 2}},
                 {"pads", Integers{0, 0, 0, 0}}});
    }
  }
  return net.finish();
}

std::pair<std::string, Network> transformer(Draw& draw) {
  const unsigned heads = 1 + draw.below(2), width = heads * (8 + 4 * draw.below(8));
  const unsigned hidden = 8 + draw.below(120), classes = 2 + draw.below(8);
  const unsigned batch = 1 + draw.below(3);
  if (draw.below(2) == 0) {
    const unsigned sequence = 4 + draw.below(40);
    const std::vector<unsigned> sizes{sequence, width, heads, hidden, 1 + draw.below(2), classes};
    return {"bert " + std::to_string(sequence) + "x" + std::to_string(width),
            make_network("bert", sizes, batch)};
  }
  const unsigned image = 8 + 4 * draw.below(5);
  Network network = make_cct(
      "small", {image, 3, {4 + draw.below(16), width}, heads, hidden, 1 + draw.below(2), classes},
      batch);
  std::string name = "cct " + std::to_string(image) + " width " + std::to_string(width);
  if (draw.below(2) == 0) {
    MethodOptions method;
    method.method = MethodOptions::Method::kLora;
    method.rank = 1 + draw.below(4);
    apply_method(network, method);
    name += " lora";
  }
  return {name, std::move(network)};
}

}  // namespace

RandomNetwork random_network(std::uint64_t seed) {
  Draw draw(seed);
  RandomNetwork made;
  const std::uint32_t kind = draw.below(4);
  auto [name, network] = kind == 0   ? perceptron(draw)
                         : kind == 1 ? rows(draw)
                         : kind == 2 ? images(draw)
                                     : transformer(draw);
  UpdateOptions update;
  const std::uint32_t rule = draw.below(5);
  update.rule = rule == 0   ? UpdateOptions::Rule::kMomentum
                : rule == 1 ? UpdateOptions::Rule::kAdam
                            : UpdateOptions::Rule::kSgd;
  update.lr = 0.0625;
  made.name = std::move(name) + (rule == 0 ? " momentum" : rule == 1 ? " adam" : "");
  made.training = make_training_graph(std::move(network), update);
  const std::uint32_t unit = draw.below(6);
  made.redmule = unit != 0;
  made.name += unit == 0 ? " on cores" : "";
  if (unit == 1) {
    made.precision = TrainConfig::Precision::kMixedFp16;
    made.name += " in mixed_fp16";
  }
  return made;
}

}  // namespace etude::test
