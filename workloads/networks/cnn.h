// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/networks.h"

namespace etude {

// Convolutional networks of the MLPerf Tiny benchmark (Banbury et al., arXiv 2106.07597), as its
// Keras models have them: convolutions with bias, batch normalisation, "same" padding. The head is
// the linear layer "fc"; each residual or separable unit is a block.

/// Image classification: 32x32x3, 10 classes, 78,666 parameters.
Network make_resnet8(unsigned batch);
/// Keyword spotting: 49x10x1 cepstra, 12 classes, 24,908 parameters.
Network make_ds_cnn(unsigned batch);
/// Visual wake words: 96x96x3, 2 classes, width 0.25.
Network make_mobilenet_v1_025(unsigned batch);

}  // namespace etude
