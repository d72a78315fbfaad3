// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/clocked_search.h"

#include <algorithm>
#include <utility>

#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

using Status = ScheduleAnswer::Status;

constexpr double kShare = 0.5;       ///< of the time, for each of the searches
constexpr double kRoundShare = 0.5;  ///< of that, for each of those for a deadline
constexpr double kRestricted = 0.2;  ///< of the time, for a search with fewer means
constexpr unsigned kRounds = 4;      ///< searches for a deadline
constexpr double kCloseTo = 0.01;    ///< of a deadline: nearer than this is no better
constexpr double kRounding = 1e-9;

class ClockedSearch {
 public:
  ClockedSearch(const ScheduleProblem& problem, const ScheduleRequest& request,
                const SearchMeans& means)
      : problem_(problem), request_(request), plain_(request), means_(means) {
    plain_.clock = {};
    plain_.limits.deadline_s.reset();
    plain_.nominal_limit_s *= kShare;
  }

  ScheduleAnswer run() {
    const ScheduleAnswer energy = search(ScheduleObjective::kEnergy);
    if (!energy.found()) {
      return with_effort(energy);
    }
    first_ = request_.objective == ScheduleObjective::kEnergy ? energy : search(request_.objective);
    const bool done = request_.objective == ScheduleObjective::kEnergy && !known_.empty() &&
                      in_time(known_.front());
    if (!done) {
      if (request_.objective != ScheduleObjective::kTime) {
        (void)search(ScheduleObjective::kTime);
      }
      add_rivals();
      if (request_.limits.deadline_s) {
        meet_deadline();
      }
      if (means_.recompute && means_.page &&
          std::ranges::none_of(known_, [this](const Known& k) { return in_time(k); })) {
        add_restricted();
      }
    }
    return best();
  }

 private:
  struct Known {
    ScheduleAnswer answer;
    double own_s;  ///< by the replay's clock
  };

  /// Asks the clock about an answer and keeps it.
  void add(ScheduleAnswer answer) {
    if (answer.schedule.slots.empty() || !within(answer.replay, plain_.limits)) {
      return;
    }
    const double own_s = answer.replay.time_s;
    ask_clock(problem_, request_, answer);
    if (answer.carried) {
      known_.push_back({std::move(answer), own_s});
    }
  }

  void add_rivals() {
    add(keep_everything(problem_, plain_));
    if (means_.recompute) {
      add(sqrt_segments(problem_, plain_));
    }
    if (means_.recompute && means_.page) {
      add(capuchin(problem_, plain_));
      add(pofo(problem_, plain_));
    }
  }

  /// What searches with fewer means find for the deadline: before it is refused.
  void add_restricted() {
    ScheduleRequest quick = request_;
    quick.nominal_limit_s *= kRestricted;
    for (const SearchMeans& means : {SearchMeans{true, false}, SearchMeans{false, true}}) {
      ScheduleAnswer answer = ClockedSearch(problem_, quick, means).run();
      add_effort(answer);
      if (answer.found()) {
        known_.push_back({answer, answer.replay.time_s});
      }
    }
  }

  void add_effort(const ScheduleAnswer& answer) {
    effort_.solve_s += answer.solve_s;
    effort_.nominal_s += answer.nominal_s;
    effort_.timed_out = effort_.timed_out || answer.timed_out;
  }

  ScheduleAnswer search(ScheduleObjective objective, std::optional<double> deadline = {}) {
    ScheduleRequest asked = plain_;
    asked.objective = objective;
    asked.limits.deadline_s = deadline;
    asked.nominal_limit_s *= deadline ? kRoundShare : 1;
    std::vector<EventSchedule> starts;
    for (const Known& known : known_) {
      starts.push_back(known.answer.schedule);
    }
    std::vector<ScheduleAnswer> others;
    ScheduleAnswer answer = solve_optimal(problem_, asked, means_, starts, &others);
    add_effort(answer);
    if (answer.found()) {
      add(answer);
    }
    for (ScheduleAnswer& other : others) {
      add(std::move(other));
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
    const ScheduleObjective of = in_time(a) ? request_.objective : ScheduleObjective::kTime;
    const double cost_a = cost_of(a.answer, of), cost_b = cost_of(b.answer, of);
    return cost_a != cost_b ? cost_a < cost_b : a.answer.carried->joules < b.answer.carried->joules;
  }

  /// The problem is solved for deadlines of its own clock, by how both clocks differ.
  void meet_deadline() {
    const double deadline = *request_.limits.deadline_s;
    const auto nearest = std::ranges::min_element(known_, {}, [&](const Known& known) {
      return std::abs(known.answer.carried->seconds - deadline);
    });
    if (nearest == known_.end()) {
      return;
    }
    double ratio = nearest->own_s / nearest->answer.carried->seconds;
    for (unsigned round = 0; round < kRounds; ++round) {
      const std::size_t before = known_.size();
      const ScheduleAnswer found = search(request_.objective, deadline * ratio);
      if (!found.found() || known_.size() == before) {
        return;
      }
      const double seconds = known_[before].answer.carried->seconds;
      if (seconds <= deadline && seconds >= deadline * (1 - kCloseTo)) {
        return;
      }
      ratio *= deadline / seconds;
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
    const auto found = std::ranges::min_element(
        known_, [this](const Known& a, const Known& b) { return better(a, b); });
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
  const bool timed = request.limits.deadline_s || request.objective == ScheduleObjective::kTime ||
                     request.objective == ScheduleObjective::kEdp;
  if (request.clock && timed) {
    return ClockedSearch(problem, request, means).run();
  }
  return judged_by_clock(problem, request, solve_optimal(problem, request, means));
}

}  // namespace etude::compiler
