// SPDX-License-Identifier: Apache-2.0
// Encoder blocks of BERT-base (Devlin et al., arXiv 1810.04805) as the published graph has them:
// without embedding and layer normalisations, a ReLU for GELU, the loss on whole tokens.
#include "workloads/counted/counted_network.h"

namespace etude {

CountedNetwork make_counted_transformer(const std::string& name, unsigned blocks, unsigned batch,
                                        CountedGraph graph) {
  constexpr std::uint64_t kTokens = 512, kWidth = 768, kHeads = 12, kHidden = 3072;
  CountedBuilder b(name, graph);
  CountedBuilder::Layer x = b.input({batch * kTokens, kWidth});
  for (unsigned block = 0; block < blocks; ++block) {
    const auto qkv = b.projections(x, kHeads);
    const auto mixed = b.mix(b.scores(qkv, batch), qkv, batch);
    const auto attended = b.linear(mixed, kWidth);
    const auto sum = b.add(x, attended);
    const auto mlp = b.linear(b.linear(sum, kHidden, true), kWidth);
    // The published graph adds what was there before the first sum.
    x = b.add(b.published() ? attended : sum, mlp);
  }
  b.loss(x, kTokens);
  return b.take();
}

}  // namespace etude
