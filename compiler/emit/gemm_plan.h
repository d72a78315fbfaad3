// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/feeds/context.h"
#include "compiler/tiling/gemm_tiling.h"

namespace etude::compiler {

/// How one matrix multiplication of the step is run.
struct GemmPlan {
  GemmProblem problem;
  GemmTiling tiling;
  /// One product for each matrix of the stack: factors as the unit sees them (as stored; which are
  /// transposed is in `problem`), result, and what is added to it.
  std::vector<MatrixView> x, w, z, addend;
  TensorId x_tensor{}, w_tensor{};
  TensorId result{};                      ///< what is stored: behind sum, ReLU or mask
  std::optional<TensorId> bias;           ///< a row
  std::optional<TensorId> second_bias;    ///< another, added to the first
  std::optional<TensorId> added;          ///< tensor of the result's shape
  TensorId mask{};                        ///< or the target of the loss
  TensorId parameter{};                   ///< that the result updates
  std::vector<TensorId> transpose_first;  ///< whole tensors to transpose before
};

/// Chooses unit, orientation and tiles of an operator by modelled time.
/// Errors: UserError when no tile fits; NoRoom when only residents of L1 stand in the way.
GemmPlan plan_gemm(LoweringContext& context, const Operator& op);

}  // namespace etude::compiler
