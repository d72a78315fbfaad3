// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_correction.h"

#include "run/plan/model_tier.h"

namespace etude::run {

double model_correction() { return 1.0; }

const char* model_fitted_on() { return "nothing yet"; }

const ModelError& model_error() {
  static constexpr ModelError kError{};
  return kError;
}

}  // namespace etude::run
