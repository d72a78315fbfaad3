// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/model_search.h"

#include <algorithm>
#include <cmath>

#include "compiler/schedule/greedy.h"
#include "compiler/schedule/highs_solver.h"
#include "compiler/schedule/windows.h"

namespace etude::compiler {
namespace {

constexpr double kScaledCost = 1000;  ///< of the best known schedule: far above tolerances
constexpr double kRounding = 1e-7;    ///< of sums in different orders, of the known cost
constexpr double kTolerance = 1e-6;   ///< of the solver: by this a deadline may be passed
constexpr double kUsualOverhead = 0.05;
constexpr unsigned kHalvings = 12;  ///< of the budget, in search of a small one

double sum_of(const ScheduleProblem& problem, double ProblemSlot::* member) {
  double sum = 0;
  for (const ProblemSlot& slot : problem.slots) {
    sum += slot.*member;
  }
  return sum;
}

}  // namespace

Solution Effort::solve(const LinearModel& model, double nominal_s, const ScheduleRequest& request,
                       const std::vector<std::pair<Column, double>>& start,
                       std::optional<double> below) {
  const SolverLimits limits{std::max(0.0, seconds_ - spent()), std::max(0.0, nominal_s),
                            request.gap, request.threads, below};
  Solution solution = compiler::solve(model, limits, start);
  worked_ += solution.nominal_s;
  return solution;
}

double ModelSearch::cost(const Replay& replay, const ModelWeights& weights) const {
  const double seconds = sum_of(problem_, &ProblemSlot::seconds);
  const double joules = sum_of(problem_, &ProblemSlot::joules) + problem_.static_w * seconds;
  return weights.energy * (replay.energy_j - joules) + weights.time * (replay.time_s - seconds) +
         weights.peak * static_cast<double>(replay.peak.raw());
}

bool ModelSearch::take(const EventSchedule& schedule, const ModelWeights& weights,
                       const ScheduleLimits& limits, Found& best) const {
  Replay played = replay(problem_, schedule);
  const double price = cost(played, weights);
  const bool holds = within(played, limits);
  if (holds && (!best.schedule || price < best.cost)) {
    best.schedule = schedule;
    best.replay = std::move(played);
    best.cost = price;
    best.status = Found::Status::kFeasible;
  }
  return holds;
}

bool ModelSearch::take_decided(const Decisions& decisions, const ModelWeights& weights,
                               const ScheduleLimits& limits, Found& best) const {
  const bool holds = take(with_lifetimes(problem_, decisions), weights, limits, best);
  if (!limits.budget || !problem_.from_home()) {
    return holds;
  }
  // The model's windows are few: others may wait less.
  const Decisions wider = with_windows(problem_, decisions, *limits.budget);
  return take(with_lifetimes(problem_, wider), weights, limits, best) || holds;
}

void ModelSearch::shrink_greedily(const ScheduleRequest& request, const ModelWeights& weights,
                                  const EvictionMeans& means, Found& best) const {
  Bytes below = problem_.alone(problem_.largest_slot());
  Bytes above = best.schedule ? best.replay.peak : problem_.peak_keep();
  ScheduleRequest smaller = request;
  for (unsigned halving = 0; halving < kHalvings && below < above; ++halving) {
    smaller.limits.budget = Bytes{below.raw() + (above - below).raw() / 2};
    const auto plan = evict_greedily(problem_, smaller, means);
    if (plan && take(plan->schedule(), weights, request.limits, best)) {
      above = std::min(*smaller.limits.budget, best.replay.peak);
    } else {
      below = *smaller.limits.budget + Bytes{1};
    }
  }
}

void ModelSearch::try_heuristics(const ModelWeights& weights, const ScheduleLimits& limits,
                                 Found& best) const {
  take(EvictionPlan(problem_, limits.budget).schedule(), weights, limits, best);
  ScheduleRequest request = request_;
  request.limits = limits;
  request.objective = weights.energy > 0 ? ScheduleObjective::kEnergy : ScheduleObjective::kTime;
  for (const EvictionMeans& means :
       {EvictionMeans{true, false}, EvictionMeans{false, true}, EvictionMeans{true, true}}) {
    if ((means.recompute && !means_.recompute) || (means.page && !means_.page)) {
      continue;
    }
    if (weights.peak > 0) {
      shrink_greedily(request, weights, means, best);
    } else if (const auto plan = evict_greedily(problem_, request, means)) {
      take(plan->schedule(), weights, limits, best);
    }
  }
}

bool ModelSearch::priced_out(const ModelWeights& weights, const Found& best) const {
  if (!best.schedule || weights.energy == 0) {
    return false;
  }
  return std::ranges::all_of(problem_.tensors, [&](const ProblemTensor& tensor) {
    const double joules = tensor.page_in.joules + tensor.page_out.joules;
    return tensor.producer && (tensor.bytes < request_.rules.least_page ||
                               weights.energy * joules > best.cost * (1 + kRounding));
  });
}

void ModelSearch::search_wide(const ModelWeights& weights, const ScheduleLimits& limits,
                              double nominal_s, Found& best) const {
  if (request_.rules.any_slot) {
    return;  // nothing was left out
  }
  CandidateRules rules = CandidateRules::wide(problem_);
  rules.recompute = means_.recompute;
  rules.page = means_.page;
  const TensorModel model(problem_, rules, limits, weights, 1);
  const Solution solution = effort_.solve(model.model(), nominal_s, request_);
  if (!solution.values.empty()) {
    take_decided(model.decode(solution.values), weights, limits, best);
  } else if (solution.status != Solution::Status::kInfeasible) {
    best.status = Found::Status::kUnknown;
  }
}

bool ModelSearch::take_earlier(const ModelWeights& weights, const ScheduleLimits& limits,
                               const CandidateRules& rules, double nominal_s, Found& best) const {
  if (!limits.deadline_s || nominal_s <= 0) {
    return false;
  }
  ScheduleLimits earlier = limits;
  earlier.deadline_s = *limits.deadline_s * (1 - kTolerance);
  const TensorModel model(problem_, rules, earlier, weights, 1);
  const Solution solution = effort_.solve(model.model(), nominal_s, request_);
  return !solution.values.empty() &&
         take_decided(model.decode(solution.values), weights, limits, best);
}

void ModelSearch::leave_out_dear(const ModelWeights& weights, const Found& best,
                                 CandidateRules& rules) const {
  if (!best.schedule || weights.peak > 0) {
    return;
  }
  if (weights.energy > 0) {
    rules.most_joules =
        best.cost * (1 + kRounding) / weights.energy - problem_.unavoidable_joules();
  } else {
    rules.most_seconds = best.cost * (1 + kRounding) / weights.time;
  }
}

void ModelSearch::solve_paged(const ModelWeights& weights, const ScheduleLimits& limits,
                              double nominal_s, double unpaged, Found& best) const {
  CandidateRules rules = request_.rules;
  leave_out_dear(weights, best, rules);
  rules.some_page = true;
  const TensorModel model(problem_, rules, limits, weights, kScaledCost / best.cost);
  const double below = std::min(unpaged, best.cost);
  std::vector<std::pair<Column, double>> start;
  if (!best.schedule->pages.empty()) {
    start = model.encode(*best.schedule).value_or(start);
  }
  const Solution solution =
      effort_.solve(model.model(), nominal_s, request_, start, below * kScaledCost / best.cost);
  if (!solution.values.empty()) {
    take_decided(model.decode(solution.values), weights, limits, best);
  }
  const bool none = solution.status == Solution::Status::kInfeasible;
  const double bound = none ? below : std::min(below, model.unscaled(solution.bound));
  best.bound = std::min(std::max(best.bound, bound), best.cost);
  // Both bounds hold whatever was found: what is as good as they are is proven.
  if (best.cost - best.bound <= request_.gap * best.cost) {
    best.status = Found::Status::kOptimal;
  }
}

void ModelSearch::solve_model(const ModelWeights& weights, const ScheduleLimits& limits, bool page,
                              double nominal_s, Found& best, bool wide) const {
  CandidateRules rules = wide ? CandidateRules::wide(problem_) : request_.rules;
  rules.recompute = rules.recompute && means_.recompute;
  rules.page = rules.page && page;
  rules.points = rules.points || weights.peak > 0;  // the least that there is needs them
  leave_out_dear(weights, best, rules);
  double expected = std::abs(best.cost);
  if (!best.schedule || expected == 0) {
    expected = kUsualOverhead * (weights.energy * sum_of(problem_, &ProblemSlot::joules) +
                                 weights.time * sum_of(problem_, &ProblemSlot::seconds) +
                                 weights.peak * static_cast<double>(problem_.peak_keep().raw()));
  }
  const TensorModel model(problem_, rules, limits, weights,
                          expected > 0 ? kScaledCost / expected : 1);
  std::vector<std::pair<Column, double>> start;
  if (best.schedule) {
    start = model.encode(*best.schedule).value_or(start);
  }
  const double until = effort_.worked() + nominal_s;
  const auto left = [&] { return std::min(until - effort_.worked(), effort_.left()); };
  const Solution solution = effort_.solve(model.model(), nominal_s, request_, start);
  const bool holds = !solution.values.empty() &&
                     (take_decided(model.decode(solution.values), weights, limits, best) ||
                      take_earlier(weights, limits, rules, left(), best));
  const bool whole = page || !means_.page || (priced_out(weights, best) && holds);
  if (!whole) {
    return;  // a bound of a smaller model is none
  }
  switch (solution.status) {
    case Solution::Status::kInfeasible:
      // A heuristic may do what the model's rules leave out; then nothing is known from below.
      best.status = best.schedule ? Found::Status::kFeasible : Found::Status::kInfeasible;
      if (!best.schedule) {
        search_wide(weights, limits, left(), best);
      } else if (!wide && !request_.rules.any_slot && left() > 0) {
        solve_model(weights, limits, page, left(), best, true);
      }
      return;
    case Solution::Status::kOptimal:
    case Solution::Status::kFeasible:
    case Solution::Status::kNone:
      best.bound = std::max(best.bound, model.unscaled(solution.bound));
      break;
  }
  if (best.schedule) {
    best.bound = std::min(best.bound, best.cost);
  }
  if (holds && solution.status == Solution::Status::kOptimal) {
    best.status = Found::Status::kOptimal;
  }
  if (weights.peak > 0 && !wide && !request_.rules.any_slot && best.schedule) {
    shrink_widely(weights, limits, page, left(), best);
  }
}

void ModelSearch::shrink_widely(const ModelWeights& weights, const ScheduleLimits& limits,
                                bool page, double nominal_s, Found& best) const {
  const double least =
      weights.peak * static_cast<double>(problem_.alone(problem_.largest_slot()).raw());
  if (nominal_s <= 0 || best.cost <= least) {
    return;
  }
  const Found usual = best;
  best.status = Found::Status::kFeasible;
  best.bound = least;
  solve_model(weights, limits, page, nominal_s, best, true);
  if (best.status != Found::Status::kOptimal && best.cost >= usual.cost) {
    best = usual;
  }
}

Found ModelSearch::run(const ModelWeights& weights, const ScheduleLimits& limits, double nominal_s,
                       const std::vector<EventSchedule>& known,
                       std::optional<double> unpaged) const {
  const double until = effort_.worked() + nominal_s;
  const auto left = [&] { return std::min(until - effort_.worked(), effort_.left()); };
  Found best;
  best.bound = weights.peak * static_cast<double>(problem_.alone(problem_.largest_slot()).raw()) +
               weights.energy * problem_.unavoidable_joules();
  for (const EventSchedule& schedule : known) {
    take(schedule, weights, limits, best);
  }
  try_heuristics(weights, limits, best);
  const auto done = [&] {
    if (best.schedule && best.cost <= best.bound) {
      best.status = Found::Status::kOptimal;  // nothing is below the sum of all operators
    }
    return best.status == Found::Status::kOptimal || left() <= 0;
  };
  if (unpaged && best.schedule && best.schedule->pages.empty() && priced_out(weights, best)) {
    best.bound = std::min(*unpaged, best.cost);
    best.status = Found::Status::kOptimal;
  }
  if (!done()) {
    if (unpaged && best.schedule && best.cost > 0) {
      solve_paged(weights, limits, left(), *unpaged, best);
    } else {
      solve_model(weights, limits, means_.page, left(), best);
    }
  }
  return best;
}

}  // namespace etude::compiler
