// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::run {

/// What is left over once operations are measured by themselves and replayed beside each other
/// (bank offsets, cold I-cache, contention beyond the replay's): cycles of steps in the cycle tier
/// in parts of the replayed ones. Fitted: results/model_accuracy.
double model_correction();
/// On what it was fitted.
const char* model_fitted_on();

}  // namespace etude::run
