// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "explore/lower/context.h"
#include "explore/tiling/gemm_tiling.h"

namespace etude {

/// How one matrix multiplication of the step is run.
struct GemmPlan {
  GemmProblem problem;
  GemmTiling tiling;
  TensorId x{}, w{};                      ///< first and second factor as the unit sees them
  TensorId result{};                      ///< what is stored: behind ReLU or mask
  TensorId mask{};                        ///< or the target of the loss
  TensorId parameter{};                   ///< that the result updates
  std::vector<TensorId> transpose_first;  ///< whole tensors to transpose before
};

/// Chooses unit, orientation and tiles of an operator by modelled time.
/// Errors: UserError when no tile fits; NoRoom when only residents of L1 stand in the way.
GemmPlan plan_gemm(LoweringContext& context, const Operator& op);

}  // namespace etude
