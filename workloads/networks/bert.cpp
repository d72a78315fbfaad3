// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/bert.h"

#include <algorithm>

#include "models/base/error.h"
#include "workloads/networks/builder.h"

namespace etude {

BertSize bert_of_sizes(const std::vector<unsigned>& sizes) {
  BertSize size;
  unsigned* const fields[] = {&size.sequence, &size.width, &size.heads,
                              &size.hidden,   &size.depth, &size.classes};
  if (sizes.size() > std::size(fields) || std::ranges::count(sizes, 0u) > 0) {
    throw UserError("/workload/sizes", "has " + std::to_string(sizes.size()) + " entries",
                    "network bert takes at most six, each at least 1: sequence, width, heads, "
                    "hidden, depth, classes");
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    *fields[i] = sizes[i];
  }
  constexpr unsigned kMostBlocks = 256;  // lowering them takes seconds
  if (size.depth > kMostBlocks) {
    throw UserError("/workload/sizes", "gives " + std::to_string(size.depth) + " blocks",
                    "network bert takes at most " + std::to_string(kMostBlocks));
  }
  return size;
}

Network make_bert(const std::string& name, const BertSize& size, unsigned batch) {
  if (size.width % size.heads != 0) {
    throw UserError("/workload/sizes",
                    "width " + std::to_string(size.width) + " is no multiple of " +
                        std::to_string(size.heads) + " heads",
                    "choose heads that divide the width");
  }
  NetworkBuilder net(name, batch);
  const std::uint64_t samples = net.batch();
  TensorId x = net.input("input", {samples * size.sequence, size.width});
  for (unsigned i = 0; i < size.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    net.begin_block(block);
    const std::string at = block + ".";
    x = net.add(at + "add1", x, net.attention(at, x, samples, size.heads, true));
    x = net.layer_norm(at + "norm1", x);
    const TensorId h = net.gelu(at + "gelu", net.linear(at + "linear1", x, size.hidden));
    x = net.add(at + "add2", x, net.linear(at + "linear2", h, size.width));
    x = net.layer_norm(at + "norm2", x);
  }
  net.begin_head();
  // The mean over the tokens is the average of one "image" column per feature.
  x = net.reshape("tokens", x, {samples, size.sequence, size.width});
  x = net.transpose("features", x, {0, 2, 1});
  x = net.reshape("columns", x, {samples, size.width, size.sequence, 1});
  return net.classify(net.linear("fc", net.global_average("mean", x), size.classes));
}

}  // namespace etude
