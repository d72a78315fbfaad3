// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "compiler/schedule/greedy.h"
#include "compiler/schedule/highs_solver.h"
#include "compiler/schedule/optimal.h"
#include "compiler/schedule/tensor_model.h"

namespace etude::compiler {

/// What the searches of one request may take and have taken: time of the machine, and nominal time.
class Effort {
 public:
  Effort(double seconds, double nominal_s)
      : seconds_(seconds),
        nominal_s_(std::min(seconds, nominal_s)),
        begin_(std::chrono::steady_clock::now()) {}
  double spent() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  bool timed_out() const { return nominal_s_ > 0 && spent() >= seconds_; }
  /// Nominal seconds that are left; none if the machine's time is over.
  double left() const { return timed_out() ? 0 : std::max(0.0, nominal_s_ - worked_); }
  double worked() const { return worked_; }
  /// Gives a search `nominal_s` at most.
  Solution solve(const LinearModel& model, double nominal_s, const ScheduleRequest& request,
                 const std::vector<std::pair<Column, double>>& start = {},
                 std::optional<double> below = {});
  /// More, where an answer needs another search.
  void extend(double nominal_s) { nominal_s_ = std::max(nominal_s_, worked_ + nominal_s); }

 private:
  double seconds_, nominal_s_;
  std::chrono::steady_clock::time_point begin_;
  double worked_ = 0;
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
              const SearchMeans& means, Effort& effort)
      : problem_(problem), request_(request), means_(means), effort_(effort) {}

  /// Heuristics, then models, for `nominal_s` at most. `known`: schedules to begin with. `unpaged`:
  /// no schedule without pages costs less, so that only those with pages are searched.
  Found run(const ModelWeights& weights, const ScheduleLimits& limits, double nominal_s,
            const std::vector<EventSchedule>& known = {}, std::optional<double> unpaged = {}) const;
  /// Weighted cost of a replay: above the sum of all operators, as ModelWeights has it.
  double cost(const Replay& replay, const ModelWeights& weights) const;

 private:
  /// Keeps a schedule if it is better. Whether it holds to the limits.
  bool take(const EventSchedule& schedule, const ModelWeights& weights,
            const ScheduleLimits& limits, Found& best) const;
  /// The same of what a model decides, with its windows and with wider ones.
  bool take_decided(const Decisions& decisions, const ModelWeights& weights,
                    const ScheduleLimits& limits, Found& best) const;
  void shrink_greedily(const ScheduleRequest& request, const ModelWeights& weights,
                       const EvictionMeans& means, Found& best) const;
  void try_heuristics(const ModelWeights& weights, const ScheduleLimits& limits, Found& best) const;
  /// Whether every page of a tensor costs more by itself than the best known schedule.
  bool priced_out(const ModelWeights& weights, const Found& best) const;
  /// Where the usual rules find nothing: without most of them.
  void search_wide(const ModelWeights& weights, const ScheduleLimits& limits, double nominal_s,
                   Found& best) const;
  /// The same search with a deadline that is earlier by the solver's tolerance.
  bool take_earlier(const ModelWeights& weights, const ScheduleLimits& limits,
                    const CandidateRules& rules, double nominal_s, Found& best) const;
  /// Events that cost more by themselves than the best known schedule are in no better one.
  void leave_out_dear(const ModelWeights& weights, const Found& best, CandidateRules& rules) const;
  /// Schedules with pages that cost less than the best known one and than all without.
  void solve_paged(const ModelWeights& weights, const ScheduleLimits& limits, double nominal_s,
                   double unpaged, Found& best) const;
  /// By the rules of the request, or by the wide ones.
  void solve_model(const ModelWeights& weights, const ScheduleLimits& limits, bool page,
                   double nominal_s, Found& best, bool wide = false) const;
  /// The least peak by the wide rules, where the usual ones leave more than the largest operator's.
  void shrink_widely(const ModelWeights& weights, const ScheduleLimits& limits, bool page,
                     double nominal_s, Found& best) const;

  const ScheduleProblem& problem_;
  const ScheduleRequest& request_;
  const SearchMeans means_;
  Effort& effort_;
};

}  // namespace etude::compiler
