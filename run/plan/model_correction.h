// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::run {

/// What is left over once operations are measured by themselves and replayed beside each other
/// (bank offsets, cold I-cache, contention beyond the replay's): cycles of steps in the cycle tier
/// in parts of the replayed ones. Fitted: results/model_accuracy.
double model_correction();
/// Part of what a kernel takes longer with a cold I-cache, behind a kernel of another kind.
double cold_share();
/// On what it was fitted.
const char* model_fitted_on();

}  // namespace etude::run
