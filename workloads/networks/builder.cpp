// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/builder.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"

namespace etude {

using Integers = std::vector<std::int64_t>;

NetworkBuilder::NetworkBuilder(const std::string& name, unsigned batch) : batch_(batch) {
  if (batch == 0) {
    throw UserError("/workload/batch", "is 0", "it is at least 1");
  }
  network_.graph.name = name;
}

TensorId NetworkBuilder::input(const std::string& name, Shape shape) {
  Tensor made;
  made.name = name;
  made.shape = std::move(shape);
  made.kind = TensorKind::kInput;
  network_.inputs.push_back(network_.graph.add_tensor(std::move(made)));
  return network_.inputs.back();
}

TensorId NetworkBuilder::parameter(const std::string& name, Shape shape,
                                   std::optional<float> fill) {
  Tensor made;
  made.name = name;
  made.shape = std::move(shape);
  made.kind = TensorKind::kParameter;
  made.trainable = true;
  made.fill = fill;
  return network_.graph.add_tensor(std::move(made));
}

TensorId NetworkBuilder::apply(const std::string& name, OpType type, std::vector<TensorId> inputs,
                               Attributes attributes) {
  const NodeId made = network_.graph.add(
      Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
      {{name + ".out", TensorKind::kActivation}});
  return network_.graph.node(made).outputs[0];
}

TensorId NetworkBuilder::linear(const std::string& name, TensorId x, std::uint64_t out, bool bias) {
  std::vector<TensorId> inputs{x, parameter(name + ".weight", {shape(x).back(), out})};
  if (bias) {
    inputs.push_back(parameter(name + ".bias", {out}));
  }
  network_.probe.assign(inputs.begin() + 1, inputs.end());
  if (part_ == Part::kBlock) {
    network_.blocks.back().matrices.push_back(inputs[1]);
  } else if (part_ == Part::kHead) {
    network_.head.insert(network_.head.end(), inputs.begin() + 1, inputs.end());
  }
  return apply(name, OpType::kGemm, inputs);
}

TensorId NetworkBuilder::conv(const std::string& name, TensorId x, std::uint64_t out,
                              std::array<std::int64_t, 2> kernel,
                              std::array<std::int64_t, 2> stride, std::array<std::int64_t, 4> pads,
                              std::int64_t groups, bool bias) {
  const std::uint64_t in = shape(x).at(1) / static_cast<std::uint64_t>(groups);
  std::vector<TensorId> inputs{
      x, parameter(name + ".weight", {out, in, static_cast<std::uint64_t>(kernel[0]),
                                      static_cast<std::uint64_t>(kernel[1])})};
  if (part_ == Part::kBlock) {
    network_.blocks.back().matrices.push_back(inputs[1]);
  }
  if (bias) {
    inputs.push_back(parameter(name + ".bias", {out}));
  }
  return apply(name, OpType::kConv, inputs,
               {{"kernel_shape", Integers(kernel.begin(), kernel.end())},
                {"strides", Integers(stride.begin(), stride.end())},
                {"pads", Integers(pads.begin(), pads.end())},
                {"group", groups}});
}

TensorId NetworkBuilder::conv_same(const std::string& name, TensorId x, std::uint64_t out,
                                   std::array<std::int64_t, 2> kernel, std::int64_t stride,
                                   std::int64_t groups, bool bias) {
  std::array<std::int64_t, 4> pads{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto extent = static_cast<std::int64_t>(shape(x).at(axis + 2));
    const std::int64_t steps = (extent + stride - 1) / stride;
    const std::int64_t total =
        std::max<std::int64_t>(0, (steps - 1) * stride + kernel[axis] - extent);
    pads[axis] = total / 2;
    pads[axis + 2] = total - pads[axis];
  }
  return conv(name, x, out, kernel, {stride, stride}, pads, groups, bias);
}

TensorId NetworkBuilder::batch_norm(const std::string& name, TensorId x) {
  const Shape channels{shape(x).at(1)};
  const TensorId gamma = parameter(name + ".weight", channels, 1.0f);
  const TensorId beta = parameter(name + ".bias", channels);
  const TensorId mean = parameter(name + ".mean", channels);
  const TensorId variance = parameter(name + ".variance", channels, 1.0f);
  network_.graph.tensor(mean).trainable = false;
  network_.graph.tensor(variance).trainable = false;
  return apply(name, OpType::kBatchNorm, {x, gamma, beta, mean, variance},
               {{"training", std::int64_t{1}}, {"epsilon", 1e-5}, {"momentum", 0.9}});
}

TensorId NetworkBuilder::layer_norm(const std::string& name, TensorId x) {
  const Shape features{shape(x).back()};
  const TensorId gamma = parameter(name + ".weight", features, 1.0f);
  return apply(name, OpType::kLayerNorm, {x, gamma, parameter(name + ".bias", features)},
               {{"epsilon", 1e-5}});
}

TensorId NetworkBuilder::relu(const std::string& name, TensorId x) {
  return apply(name, OpType::kRelu, {x});
}

TensorId NetworkBuilder::gelu(const std::string& name, TensorId x) {
  return apply(name, OpType::kGelu, {x}, {{"approximate", std::string("none")}});
}

TensorId NetworkBuilder::softmax(const std::string& name, TensorId x, double scale) {
  return apply(name, OpType::kSoftmax, {x}, {{"scale", scale}});
}

TensorId NetworkBuilder::max_pool(const std::string& name, TensorId x, std::int64_t kernel,
                                  std::int64_t stride, std::int64_t pad) {
  return apply(name, OpType::kMaxPool, {x},
               {{"kernel_shape", Integers{kernel, kernel}},
                {"strides", Integers{stride, stride}},
                {"pads", Integers{pad, pad, pad, pad}}});
}

TensorId NetworkBuilder::global_average(const std::string& name, TensorId x) {
  const Shape image = shape(x);
  const TensorId pooled = apply(
      name, OpType::kAveragePool, {x},
      {{"kernel_shape",
        Integers{static_cast<std::int64_t>(image.at(2)), static_cast<std::int64_t>(image.at(3))}}});
  return reshape(name + ".flat", pooled, {image[0], image[1]});
}

TensorId NetworkBuilder::add(const std::string& name, TensorId a, TensorId b) {
  return apply(name, OpType::kAdd, {a, b});
}

TensorId NetworkBuilder::matmul(const std::string& name, TensorId a, TensorId b, bool transpose_b) {
  return apply(name, OpType::kGemm, {a, b}, {{"transB", std::int64_t{transpose_b}}});
}

TensorId NetworkBuilder::reshape(const std::string& name, TensorId x, Shape wanted) {
  return apply(name, OpType::kReshape, {x}, {{"shape", Integers(wanted.begin(), wanted.end())}});
}

TensorId NetworkBuilder::transpose(const std::string& name, TensorId x, Integers perm) {
  return apply(name, OpType::kTranspose, {x}, {{"perm", std::move(perm)}});
}

TensorId NetworkBuilder::attention(const std::string& name, TensorId x, std::uint64_t samples,
                                   std::uint64_t heads, bool qkv_bias) {
  const std::uint64_t features = shape(x).at(1);
  const std::uint64_t sequence = shape(x).at(0) / samples;
  const std::uint64_t width = features / heads;
  const auto head_of = [&](const char* layer) {
    const std::string at = name + layer;
    const TensorId rows = linear(at, x, features, qkv_bias);
    return transpose(at + ".heads", reshape(at + ".split", rows, {samples, sequence, heads, width}),
                     {0, 2, 1, 3});
  };
  const TensorId q = head_of("q");
  const TensorId k = head_of("k");
  const TensorId v = head_of("v");
  const TensorId scores = matmul(name + "scores", q, k, true);
  const TensorId weights =
      softmax(name + "softmax", scores, 1 / std::sqrt(static_cast<double>(width)));
  const TensorId mixed = matmul(name + "mix", weights, v);
  const TensorId rows = reshape(name + "merge", transpose(name + "rows", mixed, {0, 2, 1, 3}),
                                {samples * sequence, features});
  return linear(name + "proj", rows, features);
}

void NetworkBuilder::begin_block(const std::string& name) {
  part_ = Part::kBlock;
  network_.blocks.push_back({name, {}});
}

void NetworkBuilder::begin_head() { part_ = Part::kHead; }

Network NetworkBuilder::classify(TensorId logits) {
  network_.output = logits;
  const TensorId labels = input("labels", {shape(logits).at(0)});
  network_.graph.tensor(labels).dtype = DType::kInt32;
  network_.graph.add(Node{"cross_entropy",
                          OpType::kSoftmaxCrossEntropy,
                          Phase::kForward,
                          {logits, labels},
                          {},
                          {{"reduction", std::string("mean")}}},
                     {{"loss", TensorKind::kLoss}, {"log_prob", TensorKind::kActivation}});
  network_.graph.validate();
  return std::move(network_);
}

}  // namespace etude
