// SPDX-License-Identifier: Apache-2.0
#include "sim/report/memory_json.h"

namespace etude {

nlohmann::ordered_json memory_json(const MemoryFigures& memory) {
  return {{"l1_peak", memory.l1_peak.raw()},
          {"l2_peak", memory.l2_peak.raw()},
          {"l2_fixed", memory.l2_fixed.raw()},
          {"l3_peak", memory.l3_peak.raw()},
          {"parameters", memory.parameters.raw()},
          {"trainable", memory.trainable.raw()},
          {"gradients", memory.gradients.raw()},
          {"activations_peak", memory.activations_peak.raw()},
          {"activations_peak_gradients_kept", memory.activations_peak_gradients_kept.raw()}};
}

}  // namespace etude
