// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "compiler/schedule/greedy.h"
#include "compiler/schedule/optimal.h"
#include "compiler/schedule/tensor_model.h"

namespace etude::compiler {

/// Time that is left of a limit.
class Stopwatch {
 public:
  explicit Stopwatch(double limit_s)
      : limit_s_(limit_s), begin_(std::chrono::steady_clock::now()) {}
  double spent() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  double left() const { return limit_s_ - spent(); }

 private:
  double limit_s_;
  std::chrono::steady_clock::time_point begin_;
};

/// What a search found: figures of weighted cost (see ModelWeights), from the replay.
struct Found {
  enum class Status { kOptimal, kFeasible, kInfeasible, kUnknown };
  Status status = Status::kUnknown;
  std::optional<EventSchedule> schedule;
  Replay replay;
  double cost = 0;
  double bound = 0;  ///< no schedule costs less
};

/// Searches schedules of least weighted cost within limits.
class ModelSearch {
 public:
  ModelSearch(const ScheduleProblem& problem, const ScheduleRequest& request,
              const SearchMeans& means)
      : problem_(problem), request_(request), means_(means) {}

  /// Heuristics, then models, until `seconds` are over. `known`: a schedule to begin with.
  Found run(const ModelWeights& weights, const ScheduleLimits& limits, double seconds,
            const std::optional<EventSchedule>& known = {}) const;
  /// Weighted cost of a replay: above the sum of all operators, as ModelWeights has it.
  double cost(const Replay& replay, const ModelWeights& weights) const;

 private:
  /// Keeps a schedule if it is better. Whether it holds to the limits.
  bool take(const EventSchedule& schedule, const ModelWeights& weights,
            const ScheduleLimits& limits, Found& best) const;
  void shrink_greedily(const ScheduleRequest& request, const ModelWeights& weights,
                       const EvictionMeans& means, Found& best) const;
  void try_heuristics(const ModelWeights& weights, const ScheduleLimits& limits, Found& best) const;
  /// Whether every page of a tensor costs more by itself than the best known schedule.
  bool priced_out(const ModelWeights& weights, const Found& best) const;
  /// Where the usual rules find nothing: without most of them.
  void search_wide(const ModelWeights& weights, const ScheduleLimits& limits, double seconds,
                   Found& best) const;
  /// The same search with a deadline that is earlier by the solver's tolerance.
  bool take_earlier(const ModelWeights& weights, const ScheduleLimits& limits,
                    const CandidateRules& rules, double seconds, Found& best) const;
  void solve_model(const ModelWeights& weights, const ScheduleLimits& limits, bool page,
                   double seconds, Found& best) const;

  const ScheduleProblem& problem_;
  const ScheduleRequest& request_;
  const SearchMeans means_;
};

}  // namespace etude::compiler
