// SPDX-License-Identifier: Apache-2.0
#include "tests/support/image_network.h"

namespace etude::test {

TensorId add_tensor(Graph& graph, const std::string& name, Shape shape, TensorKind kind,
                    bool trained) {
  Tensor made;
  made.name = name;
  made.shape = std::move(shape);
  made.kind = kind;
  made.trainable = trained;
  return graph.add_tensor(std::move(made));
}

ImageNetwork::ImageNetwork(Shape image) {
  network_.graph.name = "images";
  x_ = tensor("input", std::move(image), TensorKind::kInput, false);
  network_.inputs = {x_};
}

TensorId ImageNetwork::tensor(const std::string& name, Shape shape, TensorKind kind, bool trained) {
  return add_tensor(network_.graph, name, std::move(shape), kind, trained);
}

TensorId ImageNetwork::add(OpType op, std::vector<TensorId> inputs, Attributes attributes) {
  const std::string name = "layer" + std::to_string(layers_++);
  const NodeId made = network_.graph.add(
      Node{name, op, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
      {{name, TensorKind::kActivation}});
  x_ = network_.graph.node(made).outputs[0];
  return x_;
}

ImageNetwork& ImageNetwork::conv(std::uint64_t outputs, Integers kernel, Integers strides,
                                 Integers pads, bool bias, bool frozen, std::int64_t groups) {
  const std::string name = "layer" + std::to_string(layers_);
  const std::uint64_t inputs = shape()[1] / static_cast<std::uint64_t>(groups);
  std::vector<TensorId> in{x_, tensor(name + ".weight",
                                      {outputs, inputs, static_cast<std::uint64_t>(kernel[0]),
                                       static_cast<std::uint64_t>(kernel[1])},
                                      TensorKind::kParameter, !frozen)};
  if (bias) {
    in.push_back(tensor(name + ".bias", {outputs}, TensorKind::kParameter, !frozen));
  }
  add(OpType::kConv, in,
      {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}, {"group", groups}});
  return *this;
}

ImageNetwork& ImageNetwork::apply(OpType op, Attributes attributes) {
  add(op, {x_}, std::move(attributes));
  return *this;
}

ImageNetwork& ImageNetwork::max_pool(Integers kernel, Integers strides, Integers pads) {
  return apply(OpType::kMaxPool, {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}});
}

ImageNetwork& ImageNetwork::average_pool(Integers kernel, Integers strides, Integers pads) {
  return apply(OpType::kAveragePool,
               {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}});
}

ImageNetwork& ImageNetwork::batch_norm(bool training, bool frozen) {
  const std::string name = "layer" + std::to_string(layers_);
  const Shape channels{shape()[1]};
  const TensorId scale = tensor(name + ".scale", channels, TensorKind::kParameter, !frozen);
  const TensorId offset = tensor(name + ".bias", channels, TensorKind::kParameter, !frozen);
  const TensorId mean = tensor(name + ".mean", channels, TensorKind::kParameter, false);
  const TensorId variance = tensor(name + ".variance", channels, TensorKind::kParameter, false);
  network_.graph.tensor(scale).fill = 0.75f;
  network_.graph.tensor(variance).fill = 1.5f;
  add(OpType::kBatchNorm, {x_, scale, offset, mean, variance},
      {{"training", std::int64_t{training}}, {"epsilon", 1e-5}});
  return *this;
}

ImageNetwork& ImageNetwork::add_parameter() {
  const TensorId p = tensor("layer" + std::to_string(layers_) + ".parameter", shape(),
                            TensorKind::kParameter, true);
  add(OpType::kAdd, {x_, p}, {});
  return *this;
}

Network ImageNetwork::finish() {
  const TensorId target = tensor("target", shape(), TensorKind::kInput, false);
  network_.inputs.push_back(target);
  network_.output = x_;
  network_.graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {x_, target}, {}, {}},
                     {{"loss", TensorKind::kLoss}});
  network_.graph.validate();
  return std::move(network_);
}

}  // namespace etude::test
