// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/networks.h"

namespace etude {

/// Extents of a compact convolutional transformer (Hassani et al., arXiv 2104.05704): a tokenizer
/// of 3x3 convolutions, ReLU and 3x3 max pooling with stride 2; learned positions; blocks of
/// attention and MLP; attention pooling over the sequence; a linear classifier.
struct CctSize {
  unsigned image = 32, channels = 3;
  std::vector<unsigned> tokenizer;  ///< output channels of each convolution; the last is the width
  unsigned heads = 2, hidden = 128, depth = 2, classes = 10;
  /// A second bias in front of GELU, as TrainDeeploy's exported graphs have it.
  bool gelu_bias = false;
};

/// CCT-2/3x2 on 32x32x3 as in TrainDeeploy's graphs: 283,979 parameters.
CctSize cct2();
/// CCT-7/3x1 on 32x32x3.
CctSize cct7();

/// Builds it. Blocks are "blocks.<i>" with layers q, k, v (no bias), proj, linear1, linear2; the
/// head is attention_pool and fc. Order within a block: x = x + Attn(pre_norm(x)); x = norm1(x); x
/// = x + MLP(x). Errors: UserError for extents that do not fit.
Network make_cct(const std::string& name, const CctSize& size, unsigned batch);

}  // namespace etude
