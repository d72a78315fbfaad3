// SPDX-License-Identifier: Apache-2.0
#include "workloads/counted/counted_network.h"

#include <functional>
#include <numeric>

#include "models/base/error.h"
#include "models/base/nearest_name.h"

namespace etude {
namespace {

// Operations of one element where they are no multiply-adds, in the corrected count: one for each
// addition, product, comparison, exponential, root or division.
constexpr std::uint64_t kBatchNorm = 7;  // two sums for the statistics, then centre, scale, shift
constexpr std::uint64_t kSoftmax = 5;    // maximum, difference, exponential, sum, quotient
constexpr std::uint64_t kMaskAndDropout = 2;

std::uint64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>{});
}

}  // namespace

std::uint64_t CountedLayer::elements() const { return product(shape); }

CountedBuilder::CountedBuilder(const std::string& name, CountedGraph graph)
    : network_{name, graph, {}} {}

CountedBuilder::Layer CountedBuilder::put(Kind kind, const char* word, std::vector<Layer> inputs,
                                          Shape shape, std::uint64_t flop) {
  const auto number = static_cast<Layer>(network_.layers.size());
  network_.layers.push_back(
      {word + std::to_string(number), kind, std::move(inputs), std::move(shape), flop});
  return number;
}

CountedBuilder::Layer CountedBuilder::input(Shape shape) {
  return put(Kind::kInput, "InputLayer", {}, std::move(shape), 0);
}

CountedBuilder::Layer CountedBuilder::conv(Layer x, std::uint64_t channels, std::uint64_t kernel,
                                           std::uint64_t stride, std::uint64_t pad) {
  const Shape& from = shape(x);
  const auto extent = [&](std::uint64_t size) { return (size + 2 * pad - kernel) / stride + 1; };
  const Shape to{from[0], channels, extent(from[2]), extent(from[3])};
  const std::uint64_t made = product(to);
  // Published: a product at each place of the input, whatever the stride; a bias.
  const std::uint64_t macs =
      published() ? kernel * kernel * product(from) * channels : made * kernel * kernel * from[1];
  return put(Kind::kConv, "Conv2dLayer", {x}, to, 2 * macs + (published() ? made : 0));
}

CountedBuilder::Layer CountedBuilder::batch_norm(Layer x) {
  return put(Kind::kBatchNorm, "BatchNorm2d", {x}, shape(x),
             (published() ? 2 : kBatchNorm) * elements(x));
}

CountedBuilder::Layer CountedBuilder::relu(Layer x) {
  return put(Kind::kRelu, "ReLULayer", {x}, shape(x), elements(x));
}

CountedBuilder::Layer CountedBuilder::max_pool(Layer x, std::uint64_t kernel, std::uint64_t stride,
                                               std::uint64_t pad) {
  const Shape& from = shape(x);
  const auto extent = [&](std::uint64_t size) { return (size + 2 * pad - kernel) / stride + 1; };
  const Shape to{from[0], from[1], extent(from[2]), extent(from[3])};
  return put(Kind::kMaxPool, "MaxPool2d", {x}, to,
             (published() ? 2 : 1) * kernel * kernel * product(to));
}

CountedBuilder::Layer CountedBuilder::average_pool(Layer x, std::uint64_t kernel) {
  const Shape& from = shape(x);
  const Shape to{from[0], from[1], from[2] / kernel, from[3] / kernel};
  return put(Kind::kAveragePool, "AvgPool2d", {x}, to,
             (published() ? 2 : 1) * kernel * kernel * product(to));
}

CountedBuilder::Layer CountedBuilder::add(Layer a, Layer b) {
  return put(Kind::kAdd, "SkipAddLayer", {a, b}, shape(b), elements(b));
}

CountedBuilder::Layer CountedBuilder::flatten(Layer x) {
  const Shape& from = shape(x);
  return put(Kind::kFlatten, "FlattenLayer", {x}, {from[0], product(from) / from[0]},
             published() ? elements(x) : 0);
}

CountedBuilder::Layer CountedBuilder::dropout(Layer x) {
  return put(Kind::kDropout, "DropoutLayer", {x}, shape(x), elements(x));
}

CountedBuilder::Layer CountedBuilder::linear(Layer x, std::uint64_t out, bool relu) {
  const std::uint64_t rows = shape(x)[0], in = shape(x)[1];
  // Published: the product of one row, twice the bias and once more, whatever the rows.
  const std::uint64_t flop = published() ? 2 * (in + 1) * out + out : (2 * in + 1) * out * rows;
  return put(relu ? Kind::kLinearRelu : Kind::kLinear, relu ? "LinearLayerReLU" : "LinearLayer",
             {x}, {rows, out}, flop + (relu ? rows * out : 0));
}

CountedBuilder::Layer CountedBuilder::projections(Layer x, std::uint64_t heads) {
  const std::uint64_t rows = shape(x)[0], width = shape(x)[1];
  const std::uint64_t macs = 3 * rows * width * width;
  // Published: multiply-adds instead of operations.
  return put(Kind::kProjections, "QueryKeyValueMatrix", {x}, {3 * rows, width / heads, heads},
             (published() ? 1 : 2) * macs);
}

CountedBuilder::Layer CountedBuilder::scores(Layer qkv, std::uint64_t samples) {
  const Shape& from = shape(qkv);
  const std::uint64_t rows = from[0] / 3, tokens = rows / samples, heads = from[2];
  const Shape to{rows, tokens, heads};
  const std::uint64_t macs = product(to) * from[1], made = product(to);
  // Published: multiply-adds, and no softmax.
  const std::uint64_t flop =
      published() ? macs + kMaskAndDropout * made : 2 * macs + (kSoftmax + kMaskAndDropout) * made;
  return put(Kind::kScores, "QKTMatrix", {qkv}, to, flop);
}

CountedBuilder::Layer CountedBuilder::mix(Layer scores, Layer qkv, std::uint64_t samples) {
  const Shape& from = shape(scores);
  const std::uint64_t tokens = from[0] / samples, width = shape(qkv)[1] * from[2];
  const std::vector<Layer> inputs =
      published() ? std::vector<Layer>{scores} : std::vector<Layer>{qkv, scores};
  return put(Kind::kMix, "QKTVMatrix", inputs, {from[0], width}, 2 * from[0] * tokens * width);
}

CountedBuilder::Layer CountedBuilder::loss(Layer x, std::uint64_t classes) {
  // Published: every logit with every class.
  if (published()) {
    return put(Kind::kLoss, "CrossEntropyLoss", {x}, {classes}, elements(x) * classes);
  }
  return put(Kind::kLoss, "CrossEntropyLoss", {x}, {1}, kSoftmax * elements(x));
}

const std::vector<std::string>& counted_networks() {
  static const std::vector<std::string> names{"resnet18", "resnet18_cifar", "resnet50",
                                              "vgg16",    "bert_base",      "transformer_1"};
  return names;
}

CountedNetwork make_counted_network(const std::string& name, unsigned batch, CountedGraph graph) {
  if (batch == 0 || batch > 65535) {
    throw UserError("--batch", std::to_string(batch) + " is no number of samples",
                    "give 1 to 65535");
  }
  if (name == "vgg16") {
    return make_counted_vgg16(batch, graph);
  }
  if (name == "bert_base" || name == "transformer_1") {
    return make_counted_transformer(name, name == "bert_base" ? 12 : 1, batch, graph);
  }
  if (name == "resnet18" || name == "resnet18_cifar" || name == "resnet50") {
    return make_counted_resnet(name, batch, graph);
  }
  throw UserError("network", "'" + name + "' is no network with counted operators",
                  "the nearest is '" + nearest_name(name, counted_networks()) + "'");
}

}  // namespace etude
