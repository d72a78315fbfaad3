// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/clocked_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

using Objective = ScheduleObjective;
using Status = ScheduleAnswer::Status;

constexpr double kShare = 0.5;         ///< of the time, for each of the searches
constexpr double kRungShare = 0.07;    ///< of that, for each of those for a deadline
constexpr double kSmallerShare = 0.1;  ///< of all that, for those for a smaller budget
/// Of the time: what searches for smaller budgets take in all.
constexpr double kSmallerMost = 0.1;
/// Deadlines between the least time and that of least energy, with all means and with fewer.
constexpr unsigned kRungs = 4, kFewRungs = 1;
constexpr unsigned kBudgets = 10;  ///< parts of keep's peak that are smaller budgets
constexpr double kRounding = 1e-9;
/// A schedule that costs so much more than another one by the replay's clock is not lowered.
constexpr double kFarTime = 1.35, kFarBoth = 1.03;

/// A clock that is asked once about each schedule.
ScheduleClock remembering(ScheduleClock clock) {
  struct Asked {
    EventSchedule schedule;
    std::optional<CarriedCost> cost;
  };
  const auto asked = std::make_shared<std::vector<Asked>>();
  return [clock = std::move(clock), asked](const EventSchedule& schedule) {
    const auto known = std::ranges::find(*asked, schedule, &Asked::schedule);
    if (known != asked->end()) {
      return known->cost;
    }
    asked->push_back({schedule, clock(schedule)});
    return asked->back().cost;
  };
}

/// What was solved by the replay's clock.
using Solved = std::map<SolveQuestion, ScheduleAnswer>;

SolveQuestion question_of(const ScheduleRequest& asked, const SearchMeans& means) {
  const ScheduleLimits& limits = asked.limits;
  return {means.recompute, means.page, asked.objective, limits.budget ? limits.budget->raw() : 0,
          limits.deadline_s.value_or(0)};
}

/// As solve_optimal(), but for what the request remembers.
Solution solve(const ScheduleProblem& problem, const ScheduleRequest& asked,
               const SearchMeans& means, const std::vector<EventSchedule>& starts) {
  const SolveQuestion question = question_of(asked, means);
  if (asked.memory) {
    const auto known = asked.memory->solutions.find(question);
    if (known != asked.memory->solutions.end()) {
      return known->second;
    }
  }
  Solution found;
  found.answer = solve_optimal(problem, asked, means, starts, &found.others);
  if (asked.memory) {
    asked.memory->solutions[question] = found;
  }
  return found;
}

class ClockedSearch {
 public:
  ClockedSearch(const ScheduleProblem& problem, const ScheduleRequest& request,
                const SearchMeans& means, Solved& solved)
      : problem_(problem), request_(request), plain_(request), means_(means), solved_(solved) {
    plain_.clock = {};
    plain_.limits.deadline_s.reset();
    plain_.nominal_limit_s *= kShare;
  }

  ScheduleAnswer run() {
    const ScheduleAnswer energy = collect({});
    if (!energy.found()) {
      return with_effort(energy);
    }
    add_smaller_budgets();
    if (means_.recompute && means_.page) {
      add_restricted();
    }
    return best();
  }

 private:
  struct Known {
    ScheduleAnswer answer;
    double own_s;  ///< by the replay's clock
    double own_j;
  };

  /// Asks the clock about an answer and keeps it.
  void add(const ScheduleAnswer& answer, bool however_far = false) {
    const Replay& played = answer.replay;
    if (answer.schedule.slots.empty() || !within(played, plain_.limits) ||
        (!however_far && is_far(played)) || std::ranges::any_of(known_, [&](const Known& k) {
          return k.answer.schedule == answer.schedule;
        })) {
      return;
    }
    Known known{answer, played.time_s, played.energy_j};
    ask_clock(problem_, request_, known.answer);
    if (known.answer.carried) {
      known_.push_back(std::move(known));
    }
  }

  /// Whether a schedule costs so much more than a known one that no clock makes it better.
  bool is_far(const Replay& played) const {
    return std::ranges::any_of(known_, [&](const Known& known) {
      return request_.objective == Objective::kTime ? known.own_s * kFarTime < played.time_s
                                                    : known.own_s * kFarBoth < played.time_s &&
                                                          known.own_j * kFarBoth < played.energy_j;
    });
  }

  /// Asks the clock about the front of energy and time within a budget (nothing: that of the
  /// request), with what is found by fewer means. Which schedules these are depends on no deadline,
  /// and for a smaller budget on no larger one: what is known of it is known of both.
  ScheduleAnswer collect(std::optional<Bytes> budget) {
    std::vector<EventSchedule> starts;
    const ScheduleAnswer energy = search(Objective::kEnergy, {}, budget, starts);
    if (!energy.found()) {
      return energy;
    }
    const ScheduleAnswer time = search(Objective::kTime, {}, budget, starts);
    if (!budget) {
      set_bound(energy, time);
      add_rivals();
    }
    // Those in between, for time alone, too: by the clock one of them may be the fastest.
    if (time.found()) {
      const double least = time.replay.time_s, most = energy.replay.time_s;
      const unsigned rungs = means_.recompute && means_.page ? kRungs : kFewRungs;
      for (unsigned n = rungs; n > 0; --n) {
        const double part = static_cast<double>(n) / (rungs + 1);
        const double deadline = least * std::pow(most / least, part);
        if (deadline > least * (1 + kRounding)) {
          (void)search(Objective::kEnergy, deadline, budget, starts);
        }
      }
    }
    return energy;
  }

  /// What no schedule is below, by the replay's clock.
  void set_bound(const ScheduleAnswer& energy, const ScheduleAnswer& time) {
    first_ = request_.objective == Objective::kTime ? time : energy;
    if (request_.objective != Objective::kEdp) {
      return;
    }
    const Replay keep = keep_everything(problem_, plain_).replay;
    first_.status = Status::kFeasible;
    first_.bound.reset();
    if (energy.bound && time.bound) {
      first_.bound = (*energy.bound + keep.energy_j) * (*time.bound + keep.time_s) -
                     keep.energy_j * keep.time_s;
    }
  }

  void add_rivals() {
    add(keep_everything(problem_, plain_), true);
    if (means_.recompute) {
      add(sqrt_segments(problem_, plain_), true);
    }
    if (means_.recompute && means_.page) {
      add(capuchin(problem_, plain_), true);
      add(pofo(problem_, plain_), true);
    }
  }

  /// What searches with fewer means answer.
  void add_restricted() {
    for (const SearchMeans& means : {SearchMeans{true, false}, SearchMeans{false, true}}) {
      ScheduleAnswer answer = ClockedSearch(problem_, request_, means, solved_).run();
      add_effort(answer);
      if (answer.found()) {
        known_.push_back({answer, answer.replay.time_s, answer.replay.energy_j});
      }
    }
  }

  void add_effort(const ScheduleAnswer& answer) {
    effort_.solve_s += answer.solve_s;
    effort_.nominal_s += answer.nominal_s;
    effort_.timed_out = effort_.timed_out || answer.timed_out;
  }

  /// By the replay's clock; what is found is kept and added to `starts`.
  ScheduleAnswer search(Objective objective, std::optional<double> deadline,
                        std::optional<Bytes> budget, std::vector<EventSchedule>& starts) {
    ScheduleRequest asked = plain_;
    asked.objective = objective;
    asked.limits.deadline_s = deadline;
    asked.limits.budget = budget ? budget : asked.limits.budget;
    asked.nominal_limit_s *= (budget ? kSmallerShare : 1) * (deadline ? kRungShare : 1);
    ScheduleAnswer answer;
    if (const auto before = solved_.find(question_of(asked, means_)); before != solved_.end()) {
      answer = before->second;
      add(answer);
    } else {
      Solution found = solve(problem_, asked, means_, starts);
      answer = std::move(found.answer);
      add_effort(answer);
      solved_[question_of(asked, means_)] = answer;
      add(answer);
      for (const RestrictedAnswer& other : found.others) {
        if (other.whole) {
          solved_.emplace(question_of(asked, other.means), other.answer);
        }
        add(other.answer);
      }
    }
    if (answer.found()) {
      starts.push_back(answer.schedule);
    }
    return answer;
  }

  bool in_time(const Known& known) const {
    const auto& deadline = request_.limits.deadline_s;
    return !deadline || known.answer.carried->seconds <= *deadline * (1 + kRounding);
  }

  /// Of two that are in time, or of two that are late, the better one.
  bool better(const Known& a, const Known& b) const {
    if (in_time(a) != in_time(b)) {
      return in_time(a);
    }
    const Objective of = in_time(a) ? request_.objective : Objective::kTime;
    const double cost_a = cost_of(a.answer, of), cost_b = cost_of(b.answer, of);
    return cost_a != cost_b ? cost_a < cost_b : a.answer.carried->joules < b.answer.carried->joules;
  }
  std::vector<Known>::const_iterator best_known() const {
    return std::ranges::min_element(
        known_, [this](const Known& a, const Known& b) { return better(a, b); });
  }

  /// What fits into less: by the clock it may be better than what was found for all of the budget.
  void add_smaller_budgets() {
    if (!plain_.limits.budget) {
      return;
    }
    const std::uint64_t keep = problem_.peak_keep().raw();
    const Bytes least = problem_.alone(problem_.largest_slot());
    const double until = effort_.nominal_s + kSmallerMost * request_.nominal_limit_s;
    for (unsigned n = kBudgets; n-- > 1 && effort_.nominal_s < until;) {
      const Bytes budget{keep * n / kBudgets};
      if (budget >= least && budget < *plain_.limits.budget && !collect(budget).found()) {
        return;  // less does not do, either
      }
    }
  }

  ScheduleAnswer with_effort(ScheduleAnswer answer) const {
    answer.solve_s = effort_.solve_s;
    answer.nominal_s = effort_.nominal_s;
    answer.timed_out = effort_.timed_out;
    return answer;
  }

  ScheduleAnswer best() const {
    if (known_.empty()) {
      ScheduleAnswer none = first_;  // nothing finds its place: that is the caller's to say
      return with_effort(none);
    }
    const auto found = best_known();
    if (!in_time(*found)) {
      ScheduleAnswer late;
      late.status = Status::kInfeasible;
      late.needs = {problem_.slots[found->answer.replay.peak_slot].name, found->answer.replay.peak,
                    found->answer.carried->seconds};
      return with_effort(late);
    }
    ScheduleAnswer answer = found->answer;
    // Its cost and the bound of the search for the objective, both by the replay's clock.
    ScheduleAnswer own;
    own.schedule = answer.schedule;
    judge(problem_, plain_, own);
    answer.overhead = own.overhead;
    answer.cheapest = own.cheapest;
    answer.bound = first_.bound;
    if (answer.bound) {
      answer.bound = std::min(*answer.bound, answer.overhead);
    }
    const auto gap = answer.gap();
    const bool proven = first_.status == Status::kOptimal && gap && *gap <= request_.gap;
    answer.status = proven ? Status::kOptimal : Status::kFeasible;
    return with_effort(answer);
  }

  const ScheduleProblem& problem_;
  const ScheduleRequest& request_;
  ScheduleRequest plain_;  ///< without clock and deadline
  const SearchMeans means_;
  Solved& solved_;
  std::vector<Known> known_;
  ScheduleAnswer first_;   ///< of the objective, without a deadline
  ScheduleAnswer effort_;  ///< of all searches
};

}  // namespace

ScheduleAnswer judged_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                               ScheduleAnswer answer) {
  ask_clock(problem, request, answer);
  if (answer.carried && answer.found() && !within(answer.replay, request.limits)) {
    answer.status = Status::kInfeasible;
  }
  return answer;
}

ScheduleAnswer solve_by_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
                              const SearchMeans& means) {
  const bool timed = request.limits.deadline_s || request.objective == Objective::kTime ||
                     request.objective == Objective::kEdp;
  if (request.clock && timed) {
    ScheduleRequest asked = request;
    asked.clock = remembering(request.clock);
    Solved solved;
    return ClockedSearch(problem, asked, means, solved).run();
  }
  return judged_by_clock(problem, request, solve(problem, request, means, {}).answer);
}

}  // namespace etude::compiler
