// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// Which graph a counted network is: POET's public one, with its operation counts and its backward
/// chain as they stand there (docs/devices.md names their faults), or the network itself, each
/// operator counted by what it computes and gradients summed where results are read twice.
enum class CountedGraph { kPublished, kCorrected };

/// A forward operator of which only shapes and operations count. The first layer is the input, the
/// last one the loss; each makes one tensor of float32.
struct CountedLayer {
  enum class Kind {
    kInput,
    kConv,
    kBatchNorm,
    kRelu,
    kMaxPool,
    kAveragePool,
    kAdd,
    kFlatten,
    kDropout,
    kLinear,
    kLinearRelu,
    kProjections,  ///< queries, keys and values of all heads
    kScores,       ///< queries by keys, softmax, mask and dropout
    kMix,          ///< scores by values
    kLoss,         ///< cross entropy
  };
  std::string name;
  Kind kind = Kind::kInput;
  std::vector<std::uint32_t> inputs;  ///< layers before it
  Shape shape;                        ///< of the result, samples first where it has samples
  std::uint64_t flop = 0;
  std::uint64_t elements() const;
  std::uint64_t bytes() const { return 4 * elements(); }
};

/// Layers in the order in which they run.
struct CountedNetwork {
  std::string name;
  CountedGraph graph = CountedGraph::kPublished;
  std::vector<CountedLayer> layers;
};

/// Names that make_counted_network() knows.
const std::vector<std::string>& counted_networks();

/// Writes layers down; each word adds one and returns its number. Images are
/// [samples,channels,height,width].
class CountedBuilder {
 public:
  using Layer = std::uint32_t;
  CountedBuilder(const std::string& name, CountedGraph graph);

  Layer input(Shape shape);
  Layer conv(Layer x, std::uint64_t channels, std::uint64_t kernel, std::uint64_t stride,
             std::uint64_t pad);
  Layer batch_norm(Layer x);
  Layer relu(Layer x);
  Layer max_pool(Layer x, std::uint64_t kernel, std::uint64_t stride, std::uint64_t pad);
  Layer average_pool(Layer x, std::uint64_t kernel);
  /// The result has the shape of `b`.
  Layer add(Layer a, Layer b);
  Layer flatten(Layer x);
  Layer dropout(Layer x);
  /// [rows,in] to [rows,out], with ReLU or without.
  Layer linear(Layer x, std::uint64_t out, bool relu = false);
  /// Of `samples` sequences of `tokens` rows: [3 * rows, head width, heads].
  Layer projections(Layer x, std::uint64_t heads);
  Layer scores(Layer qkv, std::uint64_t samples);
  /// `qkv` is read for the values, which the published graph forgets.
  Layer mix(Layer scores, Layer qkv, std::uint64_t samples);
  Layer loss(Layer x, std::uint64_t classes);

  bool published() const { return network_.graph == CountedGraph::kPublished; }
  const Shape& shape(Layer layer) const { return network_.layers[layer].shape; }
  CountedNetwork take() { return std::move(network_); }

 private:
  using Kind = CountedLayer::Kind;
  Layer put(Kind kind, const char* word, std::vector<Layer> inputs, Shape shape,
            std::uint64_t flop);
  std::uint64_t elements(Layer layer) const { return network_.layers[layer].elements(); }
  CountedNetwork network_;
};

/// "resnet18" (ImageNet, 224x224), "resnet18_cifar" (32x32, 16 to 64 channels), "resnet50",
/// "vgg16", "bert_base" (12 blocks, 512 tokens) or "transformer_1" (one such block).
/// Errors: UserError for an unknown name or a batch that is not 1 to 65535.
CountedNetwork make_counted_network(const std::string& name, unsigned batch, CountedGraph graph);

// The families, one file each.
CountedNetwork make_counted_resnet(const std::string& name, unsigned batch, CountedGraph graph);
CountedNetwork make_counted_vgg16(unsigned batch, CountedGraph graph);
CountedNetwork make_counted_transformer(const std::string& name, unsigned blocks, unsigned batch,
                                        CountedGraph graph);

}  // namespace etude
