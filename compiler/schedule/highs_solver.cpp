// SPDX-License-Identifier: Apache-2.0
// The only file that knows the solver: its C interface, because its C++ one is built for an older
// library of C++.
#include "compiler/schedule/highs_solver.h"

#include <interfaces/highs_c_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "models/base/interrupt.h"

namespace etude::compiler {
namespace {

struct Destroy {
  void operator()(void* highs) const { Highs_destroy(highs); }
};
using Handle = std::unique_ptr<void, Destroy>;

void check(HighsInt status, const char* what) {
  if (status == kHighsStatusError) {
    throw std::runtime_error(std::string("the solver fails: ") + what);
  }
}

/// Nominal seconds of a simplex iteration, for each row and column of the model: about what a core
/// of 3 GHz takes with everything that belongs to the search.
constexpr double kIteration = 1e-7;

/// What a search has done, and where it has to end.
struct Work {
  std::int64_t most = 0, done = 0;
  InterruptSource* interrupt = InterruptSource::current();
  bool interrupted() const { return interrupt != nullptr && interrupt->asked(); }
};

void look_at_work(int, const char*, const HighsCallbackDataOut* out, HighsCallbackDataIn* in,
                  void* data) {
  auto* work = static_cast<Work*>(data);
  work->done = std::max(work->done, out->mip_total_lp_iterations);
  if (in != nullptr && (work->done >= work->most || work->interrupted())) {
    in->user_interrupt = 1;
  }
}

void set_options(void* highs, const SolverLimits& limits) {
  check(Highs_setBoolOptionValue(highs, "output_flag", 0), "output_flag");
  check(Highs_setIntOptionValue(highs, "threads", static_cast<HighsInt>(limits.threads)),
        "threads");
  check(Highs_setIntOptionValue(highs, "random_seed", 0), "random_seed");
  check(Highs_setDoubleOptionValue(highs, "time_limit", std::max(0.0, limits.seconds)),
        "time_limit");
  check(Highs_setDoubleOptionValue(highs, "mip_rel_gap", limits.relative_gap), "mip_rel_gap");
  check(Highs_setDoubleOptionValue(highs, "mip_abs_gap", 0), "mip_abs_gap");
  // Branches are chosen by what earlier ones gave: to try each first takes most of a search.
  check(Highs_setIntOptionValue(highs, "mip_pscost_minreliable", 0), "mip_pscost_minreliable");
}

void pass(void* highs, const LinearModel& model) {
  std::vector<HighsInt> integer(model.columns());
  std::ranges::copy(model.integer, integer.begin());
  const auto columns = static_cast<HighsInt>(model.columns());
  const auto rows = static_cast<HighsInt>(model.rows());
  check(Highs_passMip(highs, columns, rows, static_cast<HighsInt>(model.row_columns.size()),
                      kHighsMatrixFormatRowwise, kHighsObjSenseMinimize, model.offset,
                      model.costs.data(), model.lowers.data(), model.uppers.data(),
                      model.row_lowers.data(), model.row_uppers.data(), model.row_starts.data(),
                      model.row_columns.data(), model.row_values.data(), integer.data()),
        "the model");
}

}  // namespace

Solution solve(const LinearModel& model, const SolverLimits& limits,
               const std::vector<std::pair<Column, double>>& start) {
  Solution solution;
  if (model.columns() == 0) {
    solution.status = Solution::Status::kOptimal;
    solution.objective = solution.bound = model.offset;
    return solution;
  }
  const Handle highs(Highs_create());
  set_options(highs.get(), limits);
  if (limits.below) {
    check(Highs_setDoubleOptionValue(highs.get(), "objective_bound", *limits.below),
          "objective_bound");
  }
  pass(highs.get(), model);
  if (!start.empty()) {
    std::vector<HighsInt> index;
    std::vector<double> value;
    for (const auto& [column, v] : start) {
      index.push_back(column);
      value.push_back(v);
    }
    check(Highs_setSparseSolution(highs.get(), static_cast<HighsInt>(index.size()), index.data(),
                                  value.data()),
          "the start");
  }
  const double iteration = kIteration * static_cast<double>(model.rows() + model.columns());
  interrupt_point();
  Work work{static_cast<std::int64_t>(std::max(0.0, limits.nominal_s) / iteration)};
  check(Highs_setCallback(highs.get(), look_at_work, &work), "the callback");
  check(Highs_startCallback(highs.get(), kHighsCallbackMipInterrupt), "the callback");
  check(Highs_run(highs.get()), "the search");
  interrupt_point();
  solution.nominal_s = static_cast<double>(work.done) * iteration;
  const HighsInt status = Highs_getModelStatus(highs.get());
  HighsInt primal = kHighsSolutionStatusNone;
  Highs_getIntInfoValue(highs.get(), "primal_solution_status", &primal);
  if (status == kHighsModelStatusInfeasible) {
    solution.status = Solution::Status::kInfeasible;
    return solution;
  }
  const bool found = primal == kHighsSolutionStatusFeasible;
  Highs_getDoubleInfoValue(highs.get(), "mip_dual_bound", &solution.bound);
  if (std::ranges::none_of(model.integer, [](bool is) { return is; })) {
    solution.bound = Highs_getObjectiveValue(highs.get());  // a linear program is its own bound
  }
  if (!found) {
    return solution;
  }
  solution.status =
      status == kHighsModelStatusOptimal ? Solution::Status::kOptimal : Solution::Status::kFeasible;
  solution.objective = Highs_getObjectiveValue(highs.get());
  solution.values.resize(model.columns());
  check(Highs_getSolution(highs.get(), solution.values.data(), nullptr, nullptr, nullptr),
        "the solution");
  return solution;
}

}  // namespace etude::compiler
