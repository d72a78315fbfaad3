// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/cct.h"

#include "models/base/error.h"
#include "workloads/networks/builder.h"

namespace etude {

CctSize cct2() {
  CctSize size;
  size.tokenizer = {64, 128};
  size.gelu_bias = true;
  return size;
}

CctSize cct7() {
  CctSize size;
  size.tokenizer = {256};
  size.heads = 4;
  size.hidden = 512;
  size.depth = 7;
  return size;
}

Network make_cct(const std::string& name, const CctSize& size, unsigned batch) {
  if (size.tokenizer.empty() || size.heads == 0 || size.tokenizer.back() % size.heads != 0) {
    throw UserError("network '" + name + "'", "its width is no multiple of its heads",
                    "choose heads that divide the last of the tokenizer's channels");
  }
  NetworkBuilder net(name, batch);
  const std::uint64_t width = size.tokenizer.back();

  TensorId x = net.input("input", {batch, size.channels, size.image, size.image});
  for (std::size_t i = 0; i < size.tokenizer.size(); ++i) {
    const std::string layer = "tokenizer." + std::to_string(i);
    x = net.conv(layer, x, size.tokenizer[i], {3, 3}, {1, 1}, {1, 1, 1, 1});
    x = net.relu(layer + ".relu", x);
    x = net.max_pool(layer + ".pool", x, 3, 2, 1);
  }
  const std::uint64_t sequence = net.shape(x)[2] * net.shape(x)[3];
  x = net.reshape("tokens.pixels", x, {batch, width, sequence});
  x = net.transpose("tokens", x, {0, 2, 1});
  x = net.add("positions", x, net.parameter("positional_emb", {sequence, width}));
  x = net.reshape("rows", x, {batch * sequence, width});

  for (unsigned i = 0; i < size.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    net.begin_block(block);
    const std::string at = block + ".";
    x = net.add(at + "add1", x,
                net.attention(at, net.layer_norm(at + "pre_norm", x), batch, size.heads, false));
    x = net.layer_norm(at + "norm1", x);
    TensorId h = net.linear(at + "linear1", x, size.hidden);
    if (size.gelu_bias) {
      h = net.add(at + "gelu_add", h, net.parameter(at + "gelu_bias", {size.hidden}));
    }
    h = net.linear(at + "linear2", net.gelu(at + "gelu", h), width);
    x = net.add(at + "add2", x, h);
  }

  net.begin_head();
  x = net.layer_norm("norm", x);
  TensorId weights = net.linear("attention_pool", x, 1);
  weights = net.softmax("pool.softmax", net.reshape("pool.scores", weights, {batch, 1, sequence}));
  x = net.matmul("pool", weights, net.reshape("pool.rows", x, {batch, sequence, width}));
  return net.classify(
      net.linear("fc", net.reshape("pool.out_rows", x, {batch, width}), size.classes));
}

}  // namespace etude
