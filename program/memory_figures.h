// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Bytes that a step needs; definitions in docs/compiler.md.
struct MemoryFigures {
  Bytes l1_peak;   ///< stacks included
  Bytes l2_peak;   ///< from the start of L2 to the end of the highest object
  Bytes l2_fixed;  ///< of that, below the first object: runtime, task list or its ring
  /// With a budget: of L2 in which the same step is sure to be lowered again. Not less than
  /// `l2_peak`, and the budget behind `l2_fixed` wherever all of that has room.
  Bytes l2_enough;
  Bytes l2_home;      ///< of L2: parameters, states, inputs that are at home there, and the loss
  Bytes flash_pages;  ///< of flash, whole sectors: what a schedule pages there
  Bytes l3_peak;
  Bytes parameters;  ///< all of them as they are stored: packed ones with their scales
  Bytes trainable, gradients;
  Bytes activations_peak;                 ///< dynamic memory
  Bytes activations_peak_gradients_kept;  ///< if all weight gradients were kept to the end
};

}  // namespace etude
