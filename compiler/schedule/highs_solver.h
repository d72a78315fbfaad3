// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "compiler/schedule/linear_model.h"

namespace etude::compiler {

/// How far a search goes.
struct SolverLimits {
  double seconds = 60;  ///< of the machine's clock
  /// Of a nominal clock, which counts the solver's iterations: a search that it ends is the same on
  /// every machine.
  double nominal_s = 60;
  double relative_gap = 1e-3;
  unsigned threads = 2;
  /// Only solutions below it (with the model's offset) are of interest: where there is none, the
  /// search ends as infeasible.
  std::optional<double> below = {};
};

/// Outcome of a search.
struct Solution {
  enum class Status { kOptimal, kFeasible, kInfeasible, kNone };
  Status status = Status::kNone;  ///< kNone: the time was over before anything was known
  std::vector<double> values;     ///< of the columns, where there is a solution
  double objective = 0;           ///< with the model's offset, as the bound
  double bound = 0;               ///< no solution is below it
  double nominal_s = 0;           ///< what the search took
};

/// Minimises a model with HiGHS; the same model gives the same answer as long as time suffices.
/// `start`: values of some columns to begin with (the others are completed). Errors:
/// std::runtime_error if the solver refuses the model.
Solution solve(const LinearModel& model, const SolverLimits& limits,
               const std::vector<std::pair<Column, double>>& start);

}  // namespace etude::compiler
