// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/optimal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/schedule/model_search.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

constexpr double kSlack = 1e-9;      ///< of a time that the next search may not pass
constexpr double kFirstShare = 0.7;  ///< of the time, for the first of two objectives
constexpr unsigned kMostLines = 24;  ///< searches for a product of energy and time
/// Of the time, for each search that leaves out recomputation or pages.
constexpr double kRestrictedShare = 1.0 / 3;
constexpr std::size_t kQuick = 40;  ///< slots of which another search takes little

/// One problem, one request: the searches that its objective asks for.
class Optimal {
 public:
  /// `explains`: says what would do where nothing fits.
  Optimal(const ScheduleProblem& problem, const ScheduleRequest& request, const SearchMeans& means,
          std::vector<EventSchedule> starts, bool explains)
      : problem_(problem),
        request_(request),
        starts_(std::move(starts)),
        explains_(explains),
        effort_(request.time_limit_s, request.nominal_limit_s),
        search_(problem, request, means, effort_),
        keep_(keep_everything(problem, request)) {}

  /// No schedule without pages has a lower overhead.
  void set_unpaged(double overhead) { unpaged_ = overhead; }

  ScheduleAnswer run() {
    const SlotId largest = problem_.largest_slot();
    const auto& budget = request_.limits.budget;
    if (budget && problem_.alone(largest) > *budget) {
      answer_.status = ScheduleAnswer::Status::kInfeasible;
      answer_.needs = {problem_.slots[largest].name, problem_.alone(largest), {}};
    } else {
      search();
    }
    answer_.cheapest =
        cheapest_cost(problem_, request_.objective) - cost_of(keep_.replay, request_.objective);
    answer_.timed_out = effort_.timed_out();
    answer_.solve_s = effort_.spent();
    answer_.nominal_s = effort_.worked();
    return std::move(answer_);
  }

 private:
  void search() {
    const ModelWeights energy{1, 0, 0};
    switch (request_.objective) {
      case ScheduleObjective::kEnergy:
        accept(search_.run(energy, request_.limits, effort_.left(), starts_, unpaged_cost(energy)),
               energy);
        break;
      case ScheduleObjective::kTime: {
        const ModelWeights time{0, 1, 0};
        const Found first =
            search_.run(time, request_.limits, kFirstShare * effort_.left(), starts_);
        ScheduleLimits limits = request_.limits;
        limits.deadline_s = first.replay.time_s * (1 + kSlack);
        accept(first, time);
        refine(first, limits);
        break;
      }
      case ScheduleObjective::kPeak: {
        const ModelWeights peak{0, 0, 1};
        ScheduleLimits limits = request_.limits;
        limits.budget.reset();  // the least peak is within every budget that any is within
        Found first = search_.run(peak, limits, kFirstShare * effort_.left(), starts_);
        if (const auto& budget = request_.limits.budget;
            first.schedule && budget && first.replay.peak > *budget) {
          first.schedule.reset();
          first.status = first.status == Found::Status::kOptimal ? Found::Status::kInfeasible
                                                                 : Found::Status::kUnknown;
        }
        limits.budget = first.replay.peak;
        accept(first, peak);
        refine(first, limits);
        break;
      }
      case ScheduleObjective::kEdp:
        search_product();
        break;
    }
  }

  std::optional<double> unpaged_cost(const ModelWeights& weights) const {
    return unpaged_ ? *unpaged_ + search_.cost(keep_.replay, weights) : unpaged_;
  }

  /// Energy second, where the first objective is as good as it was.
  void refine(const Found& first, const ScheduleLimits& limits) {
    if (!first.schedule) {
      return;
    }
    std::vector<EventSchedule> known = starts_;
    known.push_back(*first.schedule);
    const Found second = search_.run({1, 0, 0}, limits, std::max(0.0, effort_.left()), known);
    if (second.schedule) {
      answer_.schedule = *second.schedule;
      answer_.replay = second.replay;
    }
  }

  void accept(const Found& found, const ModelWeights& weights) {
    take_status(found);
    if (!found.schedule) {
      return;
    }
    const double keep = search_.cost(keep_.replay, weights);
    answer_.schedule = *found.schedule;
    answer_.replay = found.replay;
    answer_.overhead = found.cost - keep;
    answer_.bound = found.bound - keep;
  }

  void take_status(const Found& found) {
    switch (found.status) {
      case Found::Status::kOptimal:
        answer_.status = ScheduleAnswer::Status::kOptimal;
        return;
      case Found::Status::kFeasible:
        answer_.status = ScheduleAnswer::Status::kFeasible;
        return;
      case Found::Status::kUnknown:
        answer_.status = ScheduleAnswer::Status::kUnknown;
        return;
      case Found::Status::kInfeasible:
        answer_.status = ScheduleAnswer::Status::kInfeasible;
        if (explains_) {
          explain();
        }
        return;
    }
  }

  /// What would do: without the deadline the shortest time, else the least peak.
  void explain() {
    effort_.extend(request_.nominal_limit_s * 0.5);
    const double seconds = effort_.left();
    if (request_.limits.deadline_s) {
      const Found found = search_.run({0, 1, 0}, {request_.limits.budget, {}}, seconds);
      if (found.schedule) {
        answer_.needs = {problem_.slots[found.replay.peak_slot].name, found.replay.peak,
                         found.replay.time_s};
        return;
      }
    }
    const Found found = search_.run({0, 0, 1}, {}, seconds);
    if (found.schedule) {
      answer_.needs = {problem_.slots[found.replay.peak_slot].name, found.replay.peak, {}};
    }
  }

  /// Energy times time is least at a supported point of the front (the product is quasi-concave).
  /// Each search gives a line energy + w time >= b; the corner of all lines with the least product
  /// bounds it, and says the next w.
  void search_product() {
    struct Line {
      double energy, time, bound;
    };
    const double energy_0 = sum(&ProblemSlot::joules), time_0 = sum(&ProblemSlot::seconds);
    std::vector<Line> lines{{1, 0, cheapest_cost(problem_, ScheduleObjective::kEnergy)},
                            {0, 1, time_0}};
    Found best;
    std::vector<EventSchedule> known = starts_;
    double product = std::numeric_limits<double>::infinity(), bound = 0;
    const double keep = keep_.replay.energy_j * keep_.replay.time_s;
    const double least = cheapest_cost(problem_, ScheduleObjective::kEdp);
    bool exact = false;
    for (const EventSchedule& schedule : starts_) {
      Replay played = replay(problem_, schedule);
      if (within(played, request_.limits) && played.energy_j * played.time_s < product) {
        product = played.energy_j * played.time_s;
        best.schedule = schedule;
        best.replay = std::move(played);
      }
    }
    for (unsigned n = 0; n < kMostLines; ++n) {
      double corner_energy = 0, corner_time = 0;
      bound = std::numeric_limits<double>::infinity();
      for (const Line& a : lines) {
        for (const Line& b : lines) {
          const double det = a.energy * b.time - b.energy * a.time;
          if (std::abs(det) < 1e-12 * (a.energy + a.time) * (b.energy + b.time)) {
            continue;
          }
          const double energy = (a.bound * b.time - b.bound * a.time) / det;
          const double time = (a.energy * b.bound - b.energy * a.bound) / det;
          const bool inside = std::ranges::all_of(lines, [&](const Line& l) {
            return l.energy * energy + l.time * time >= l.bound * (1 - kSlack);
          });
          if (inside && energy * time < bound) {
            bound = energy * time;
            corner_energy = energy;
            corner_time = time;
          }
        }
      }
      exact =
          best.schedule && product - bound <= request_.gap * (product - least) + kSlack * product;
      const double left = effort_.left();
      if (exact || (n > 0 && left <= 0)) {
        break;
      }
      const ModelWeights weights{1, corner_energy / corner_time, 0};
      const Found found =
          search_.run(weights, request_.limits, std::max(0.0, left) / (n == 0 ? 3 : 2), known);
      if (!found.schedule) {
        best = best.schedule ? best : found;
        break;
      }
      known.push_back(*found.schedule);
      if (found.replay.energy_j * found.replay.time_s < product) {
        product = found.replay.energy_j * found.replay.time_s;
        best = found;
      }
      lines.push_back(
          {1, weights.time,
           found.bound + energy_0 + problem_.static_w * time_0 + weights.time * time_0});
    }
    best.status = !best.schedule ? best.status
                  : exact        ? Found::Status::kOptimal
                                 : Found::Status::kFeasible;
    take_status(best);
    if (best.schedule) {
      answer_.schedule = *best.schedule;
      answer_.replay = best.replay;
      answer_.overhead = product - keep;
      answer_.bound = std::min(bound, product) - keep;
    }
  }

  double sum(double ProblemSlot::* member) const {
    double total = 0;
    for (const ProblemSlot& slot : problem_.slots) {
      total += slot.*member;
    }
    return total;
  }

  const ScheduleProblem& problem_;
  const ScheduleRequest& request_;
  const std::vector<EventSchedule> starts_;
  const bool explains_;
  Effort effort_;
  const ModelSearch search_;
  const ScheduleAnswer keep_;
  std::optional<double> unpaged_;
  ScheduleAnswer answer_;
};

/// What is known of a problem before any model is solved.
std::vector<EventSchedule> known_schedules(const ScheduleProblem& problem,
                                           const ScheduleRequest& request,
                                           const SearchMeans& means) {
  std::vector<EventSchedule> known;
  const auto add = [&](ScheduleAnswer answer) {
    if (answer.replay.ok && !answer.schedule.slots.empty()) {
      known.push_back(std::move(answer.schedule));
    }
  };
  if (means.recompute) {
    add(sqrt_segments(problem, request));
  }
  if (means.recompute && means.page) {
    add(capuchin(problem, request));
    add(pofo(problem, request));
  }
  return known;
}

void add_effort(const ScheduleAnswer& from, ScheduleAnswer& to) {
  to.solve_s += from.solve_s;
  to.nominal_s += from.nominal_s;
  to.timed_out = to.timed_out || from.timed_out;
}

}  // namespace

ScheduleAnswer solve_optimal(const ScheduleProblem& problem, const ScheduleRequest& request,
                             const SearchMeans& means, const std::vector<EventSchedule>& starts,
                             std::vector<RestrictedAnswer>* others) {
  ScheduleRequest part = request;
  part.nominal_limit_s = request.nominal_limit_s * kRestrictedShare;
  const auto restricted = [&](const SearchMeans& to, bool explains) {
    return Optimal(problem, part, to, known_schedules(problem, part, to), explains).run();
  };
  if (!means.recompute || !means.page) {
    return restricted(means, true);
  }
  std::vector<EventSchedule> known = known_schedules(problem, request, means);
  known.insert(known.end(), starts.begin(), starts.end());
  ScheduleAnswer kept = restricted({true, false}, false);
  if (kept.found()) {
    known.push_back(kept.schedule);
  }
  ScheduleRequest whole = request;
  whole.nominal_limit_s = request.nominal_limit_s * (1 - kRestrictedShare) - kept.nominal_s;
  whole.time_limit_s = std::max(0.0, request.time_limit_s - kept.solve_s);
  Optimal search(problem, whole, means, std::move(known), true);
  if (request.objective == ScheduleObjective::kEnergy && !request.limits.deadline_s &&
      !problem.from_home() && kept.status == ScheduleAnswer::Status::kOptimal && kept.bound) {
    search.set_unpaged(*kept.bound);
  }
  ScheduleAnswer answer = search.run();
  add_effort(kept, answer);
  const bool hopeless = answer.needs && !answer.needs->deadline_s &&
                        answer.status == ScheduleAnswer::Status::kInfeasible;
  if (!hopeless) {
    // What is proven is proven of what the rules allow: heuristics and wider windows are beyond.
    const bool proven = answer.status == ScheduleAnswer::Status::kOptimal &&
                        request.objective != ScheduleObjective::kEdp && !problem.from_home() &&
                        problem.slots.size() > kQuick;
    part.nominal_limit_s = proven ? 0 : part.nominal_limit_s;
    part.time_limit_s = std::max(0.0, request.time_limit_s - answer.solve_s);
    ScheduleAnswer paged = restricted({false, true}, false);
    add_effort(paged, answer);
    if (paged.found() && (!answer.found() ||
                          cost_of(paged, request.objective) < cost_of(answer, request.objective))) {
      answer.status = answer.bound && answer.bound >= paged.overhead
                          ? answer.status
                          : ScheduleAnswer::Status::kFeasible;
      answer.schedule = paged.schedule;
      answer.replay = paged.replay;
      answer.overhead = paged.overhead;
      answer.needs.reset();
      if (answer.bound) {
        answer.bound = std::min(*answer.bound, answer.overhead);
      }
    }
    if (others != nullptr && paged.found()) {
      others->push_back({{false, true}, std::move(paged), !proven});
    }
  }
  if (others != nullptr && kept.found()) {
    others->push_back({{true, false}, std::move(kept), true});
  }
  return answer;
}

ScheduleAnswer keep_everything(const ScheduleProblem& problem, const ScheduleRequest& request) {
  ScheduleAnswer answer;
  answer.schedule = EvictionPlan(problem).schedule();
  answer.replay = replay(problem, answer.schedule);
  answer.cheapest =
      cheapest_cost(problem, request.objective) - cost_of(answer.replay, request.objective);
  answer.status = ScheduleAnswer::Status::kInfeasible;
  if (within(answer.replay, request.limits)) {
    answer.status = ScheduleAnswer::Status::kFeasible;
    // Nothing is below the sum of all operators, unless transfers of parameters could be hidden.
    const bool least = request.objective == ScheduleObjective::kEnergy ||
                       request.objective == ScheduleObjective::kTime ||
                       request.objective == ScheduleObjective::kEdp;
    if (least && answer.schedule.pages.empty()) {
      answer.status = ScheduleAnswer::Status::kOptimal;
      answer.bound = 0;
    }
  }
  return answer;
}

void judge(const ScheduleProblem& problem, const ScheduleRequest& request, ScheduleAnswer& answer) {
  answer.replay = replay(problem, answer.schedule);
  const double keep = cost_of(keep_everything(problem, request).replay, request.objective);
  answer.overhead = cost_of(answer.replay, request.objective) - keep;
  answer.cheapest = cheapest_cost(problem, request.objective) - keep;
  answer.status = within(answer.replay, request.limits) ? ScheduleAnswer::Status::kFeasible
                                                        : ScheduleAnswer::Status::kInfeasible;
}

}  // namespace etude::compiler
