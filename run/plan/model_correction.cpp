// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_correction.h"

namespace etude::run {

const ModelCorrection& model_correction() {
  static constexpr ModelCorrection kFitted{.cold_share = 1.0,
                                           .kept_share = 0.44,
                                           .private_line = 1.0,
                                           .controller_work = 1.6,
                                           .controller_refetch = 25.0,
                                           .mchan_work = 0.65,
                                           .idma_work = 1.95,
                                           .kernel_held_up = 1.05};
  return kFitted;
}

const ModelError& model_error() {
  static constexpr ModelError kError{.cycles_mean = 0.0168,
                                     .cycles_worst = 0.0690,
                                     .energy_mean = 0.0060,
                                     .energy_worst = 0.0346,
                                     .points = 64};
  return kError;
}

}  // namespace etude::run
