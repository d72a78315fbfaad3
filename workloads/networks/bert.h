// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/networks.h"

namespace etude {

/// Extents of a BERT-like encoder (Devlin et al., arXiv 1810.04805; post-norm, GELU, biases
/// everywhere) on embedded tokens.
struct BertSize {
  unsigned sequence = 64, width = 128, heads = 2, hidden = 512, depth = 1, classes = 2;
};

/// Sizes of the configuration, in the order of BertSize; missing ones keep their default.
/// Errors: UserError for more than six, or a 0.
BertSize bert_of_sizes(const std::vector<unsigned>& sizes);

/// Builds it: input [batch * sequence, width]; blocks "blocks.<i>" with layers q, k, v, proj,
/// linear1, linear2: x = norm1(x + Attn(x)); x = norm2(x + MLP(x)); the head classifies the mean of
/// the tokens. Errors: UserError for extents that do not fit.
Network make_bert(const std::string& name, const BertSize& size, unsigned batch);

}  // namespace etude
