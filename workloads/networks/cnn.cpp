// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/cnn.h"

#include "workloads/networks/builder.h"

namespace etude {

namespace {

using Kernel = std::array<std::int64_t, 2>;

/// Convolution, batch normalisation, ReLU.
TensorId conv_unit(NetworkBuilder& net, const std::string& name, TensorId x, std::uint64_t out,
                   Kernel kernel, std::int64_t stride, std::int64_t groups = 1) {
  x = net.conv_same(name, x, out, kernel, stride, groups);
  return net.relu(name + ".relu", net.batch_norm(name + ".norm", x));
}

/// Depthwise 3x3, then 1x1.
TensorId separable_unit(NetworkBuilder& net, const std::string& name, TensorId x, std::uint64_t out,
                        std::int64_t stride) {
  const std::uint64_t in = net.shape(x)[1];
  x = conv_unit(net, name + ".depthwise", x, in, {3, 3}, stride, static_cast<std::int64_t>(in));
  return conv_unit(net, name + ".pointwise", x, out, {1, 1}, 1);
}

}  // namespace

Network make_resnet8(unsigned batch) {
  NetworkBuilder net("resnet8", batch);
  TensorId x = net.input("input", {batch, 3, 32, 32});
  x = conv_unit(net, "conv", x, 16, {3, 3}, 1);
  for (const std::uint64_t channels : {16, 32, 64}) {
    const std::string block = "stack" + std::to_string(channels);
    net.begin_block(block);
    const std::int64_t stride = channels == 16 ? 1 : 2;
    TensorId y = conv_unit(net, block + ".conv1", x, channels, {3, 3}, stride);
    y = net.conv_same(block + ".conv2", y, channels, {3, 3}, 1);
    y = net.batch_norm(block + ".conv2.norm", y);
    if (stride == 2) {
      x = net.conv_same(block + ".shortcut", x, channels, {1, 1}, 2);
    }
    x = net.relu(block + ".relu", net.add(block + ".add", x, y));
  }
  net.begin_head();
  return net.classify(net.linear("fc", net.global_average("pool", x), 10));
}

Network make_ds_cnn(unsigned batch) {
  NetworkBuilder net("ds_cnn", batch);
  TensorId x = net.input("input", {batch, 1, 49, 10});
  x = conv_unit(net, "conv", x, 64, {10, 4}, 2);
  for (int i = 0; i < 4; ++i) {
    const std::string block = "unit" + std::to_string(i);
    net.begin_block(block);
    x = separable_unit(net, block, x, 64, 1);
  }
  net.begin_head();
  return net.classify(net.linear("fc", net.global_average("pool", x), 12));
}

Network make_mobilenet_v1_025(unsigned batch) {
  NetworkBuilder net("mobilenet_v1_025", batch);
  TensorId x = net.input("input", {batch, 3, 96, 96});
  x = conv_unit(net, "conv", x, 8, {3, 3}, 2);
  const std::pair<std::uint64_t, std::int64_t> units[] = {
      {16, 1},  {32, 2},  {32, 1},  {64, 2},  {64, 1},  {128, 2}, {128, 1},
      {128, 1}, {128, 1}, {128, 1}, {128, 1}, {256, 2}, {256, 1}};
  int number = 0;
  for (const auto& [channels, stride] : units) {
    const std::string block = "unit" + std::to_string(number++);
    net.begin_block(block);
    x = separable_unit(net, block, x, channels, stride);
  }
  net.begin_head();
  return net.classify(net.linear("fc", net.global_average("pool", x), 2));
}

}  // namespace etude
