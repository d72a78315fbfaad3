// SPDX-License-Identifier: Apache-2.0
// ResNets (He et al., arXiv 1512.03385) and VGG-16 (Simonyan and Zisserman, arXiv 1409.1556). The
// published graphs of ResNet-18 and -50 take the skip from within the block, without a projection;
// the corrected ones take the block's input, through a 1x1 convolution where extents differ.
#include "workloads/counted/counted_network.h"

namespace etude {
namespace {
using Layer = CountedBuilder::Layer;

Layer conv_norm(CountedBuilder& b, Layer x, std::uint64_t channels, std::uint64_t kernel,
                std::uint64_t stride) {
  return b.batch_norm(b.conv(x, channels, kernel, stride, kernel / 2));
}

/// The block's input in the shape of its result.
Layer shortcut(CountedBuilder& b, Layer x, std::uint64_t channels, std::uint64_t stride) {
  return stride == 1 && b.shape(x)[1] == channels ? x : conv_norm(b, x, channels, 1, stride);
}

Layer basic_block(CountedBuilder& b, Layer x, std::uint64_t channels, std::uint64_t stride) {
  const Layer first = b.relu(conv_norm(b, x, channels, 3, stride));
  const Layer second = conv_norm(b, first, channels, 3, 1);
  const Layer skip = b.published() ? first : shortcut(b, x, channels, stride);
  return b.relu(b.add(skip, second));
}

Layer bottleneck(CountedBuilder& b, Layer x, std::uint64_t channels, std::uint64_t stride) {
  // The published graph has its stride in the first convolution, as the paper; torchvision's and
  // the corrected one in the second.
  const bool published = b.published();
  const Layer first = b.relu(conv_norm(b, x, channels, 1, published ? stride : 1));
  const Layer second = b.relu(conv_norm(b, first, channels, 3, published ? 1 : stride));
  const Layer third = conv_norm(b, second, 4 * channels, 1, 1);
  const Layer skip = published ? first : shortcut(b, x, 4 * channels, stride);
  return b.relu(b.add(skip, third));
}

/// Every block of the network for CIFAR has a projection of 3x3, and ReLU on its other branch.
Layer cifar_block(CountedBuilder& b, Layer x, std::uint64_t channels, std::uint64_t stride) {
  const Layer first = b.relu(conv_norm(b, x, channels, 3, stride));
  const Layer second = b.relu(conv_norm(b, first, channels, 3, 1));
  return b.relu(b.add(second, conv_norm(b, x, channels, 3, stride)));
}

CountedNetwork classify(CountedBuilder& b, Layer x, std::uint64_t classes) {
  const Layer pooled = b.average_pool(x, b.shape(x)[2]);
  b.loss(b.linear(b.flatten(pooled), classes), classes);
  return b.take();
}

CountedNetwork resnet_cifar(const std::string& name, unsigned batch, CountedGraph graph) {
  CountedBuilder b(name, graph);
  Layer x = conv_norm(b, b.input({batch, 3, 32, 32}), 16, 3, 1);
  for (const std::uint64_t channels : {16u, 32u, 64u}) {
    for (unsigned block = 0; block < 2; ++block) {
      x = cifar_block(b, x, channels, channels > 16 && block == 0 ? 2 : 1);
    }
  }
  return classify(b, x, 10);
}

}  // namespace

CountedNetwork make_counted_resnet(const std::string& name, unsigned batch, CountedGraph graph) {
  if (name == "resnet18_cifar") {
    return resnet_cifar(name, batch, graph);
  }
  const bool deep = name == "resnet50";
  const std::vector<unsigned> blocks =
      deep ? std::vector<unsigned>{3, 4, 6, 3} : std::vector<unsigned>{2, 2, 2, 2};
  CountedBuilder b(name, graph);
  Layer x = conv_norm(b, b.input({batch, 3, 224, 224}), 64, 7, 2);
  if (!b.published()) {
    x = b.relu(x);
  }
  x = b.max_pool(x, 3, 2, b.published() ? 0 : 1);
  for (unsigned stage = 0; stage < blocks.size(); ++stage) {
    for (unsigned block = 0; block < blocks[stage]; ++block) {
      const std::uint64_t channels = 64u << stage, stride = stage > 0 && block == 0 ? 2 : 1;
      x = deep ? bottleneck(b, x, channels, stride) : basic_block(b, x, channels, stride);
    }
  }
  return classify(b, x, 1000);
}

CountedNetwork make_counted_vgg16(unsigned batch, CountedGraph graph) {
  CountedBuilder b("vgg16", graph);
  Layer x = b.input({batch, 3, 224, 224});
  const unsigned convolutions[] = {2, 2, 3, 3, 3};
  std::uint64_t channels = 64;
  for (const unsigned count : convolutions) {
    for (unsigned i = 0; i < count; ++i) {
      x = b.relu(b.conv(x, channels, 3, 1, 1));
    }
    x = b.max_pool(x, 2, 2, 0);
    channels = channels < 512 ? 2 * channels : channels;
  }
  x = b.flatten(x);
  for (unsigned i = 0; i < 2; ++i) {
    x = b.dropout(b.relu(b.linear(x, 4096)));
  }
  b.loss(b.linear(x, 1000), 1000);
  return b.take();
}

}  // namespace etude
