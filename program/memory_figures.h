// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Bytes that a step needs; definitions in docs/compiler.md.
struct MemoryFigures {
  Bytes l1_peak;  ///< stacks included
  Bytes l2_peak, l3_peak, parameters, trainable, gradients;
  Bytes activations_peak;                 ///< dynamic memory
  Bytes activations_peak_gradients_kept;  ///< if all weight gradients were kept to the end
};

}  // namespace etude
