// SPDX-License-Identifier: Apache-2.0
// The model of POET (Patil et al., ICML 2022, equations 1-10): stage t computes operator t. One
// binary for each tensor and stage: made, in memory, at home, coming, going; one for each place
// where a tensor can be given up.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "compiler/schedule/greedy.h"
#include "compiler/schedule/highs_solver.h"
#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/model_search.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

using Grid = std::vector<std::vector<Column>>;
constexpr std::size_t kMostColumns = 2'000'000;
/// The first linear program of a larger one takes minutes, and no iteration ends it before: such
/// models are searched where a time limit is given.
constexpr std::size_t kMostSearched = 12'000;

class PoetModel {
 public:
  PoetModel(const ScheduleProblem& problem, const ScheduleLimits& limits, double scale)
      : problem_(problem), limits_(limits), scale_(scale), size_(problem.slots.size()) {
    add_columns();
    add_availability();
    if (limits.budget) {
      add_memory();
    }
    if (limits.deadline_s) {
      LinearSum sum;
      for (std::size_t t = 0; t < size_; ++t) {
        for (std::size_t i = 0; i <= t; ++i) {
          sum.add(made_[t][i], problem.slots[i].seconds);
        }
      }
      model_.row(sum, -LinearModel::kEndless, *limits.deadline_s);
    }
  }

  const LinearModel& model() const { return model_; }

  EventSchedule decode(const std::vector<double>& values) const {
    Decisions decisions;
    decisions.recomputes.resize(size_);
    for (SlotId t = 0; t < size_; ++t) {
      for (SlotId i = 0; i <= t; ++i) {
        if (i < t && values[made_[t][i]] > 0.5) {
          decisions.recomputes[t].push_back(i);
        }
        using Direction = TensorPage::Direction;
        const StorageId tensor = problem_.slots[i].outputs.front();
        if (values[goes_[t][i]] > 0.5) {
          decisions.pages.push_back({tensor, Direction::kOut, t, t});
        }
        if (values[comes_[t][i]] > 0.5 && t + 1 < size_) {
          decisions.pages.push_back({tensor, Direction::kIn, t, t});
        }
      }
    }
    return with_lifetimes(problem_, decisions);
  }

 private:
  void add_columns() {
    for (auto* grid : {&made_, &there_, &home_, &comes_, &goes_}) {
      grid->assign(size_, std::vector<Column>(size_, -1));
    }
    for (std::size_t t = 0; t < size_; ++t) {
      for (std::size_t i = 0; i <= t; ++i) {
        const ProblemTensor& tensor = problem_.tensors[problem_.slots[i].outputs.front()];
        made_[t][i] = model_.binary(scale_ * problem_.slots[i].joules);
        there_[t][i] = model_.binary();
        home_[t][i] = model_.binary();
        comes_[t][i] = model_.binary(scale_ * tensor.page_in.joules);
        goes_[t][i] = model_.binary(scale_ * tensor.page_out.joules);
        const SlotId limit =
            problem_.recompute_limit(static_cast<SlotId>(i)).value_or(static_cast<SlotId>(size_));
        if (i < t && (!problem_.slots[i].recomputable || t > limit)) {
          model_.fix(made_[t][i], 0);
        }
        if (i == t) {
          model_.fix(made_[t][i], 1);
          for (const auto* grid : {&there_, &home_, &comes_, &goes_}) {
            model_.fix((*grid)[t][i], 0);
          }
        }
      }
    }
  }

  void at_most(Column column, std::initializer_list<Column> sum_of) {
    LinearSum sum;
    sum.add(column, 1);
    for (const Column other : sum_of) {
      sum.add(other, -1);
    }
    model_.row(sum, -LinearModel::kEndless, 0);
  }

  void add_availability() {
    for (std::size_t t = 0; t < size_; ++t) {
      for (std::size_t v = 0; v <= t; ++v) {
        for (const StorageId input : problem_.slots[v].inputs) {
          const SlotId u = *problem_.tensors[input].producer;
          at_most(made_[t][v], {made_[t][u], there_[t][u]});
        }
        at_most(comes_[t][v], {home_[t][v]});
        at_most(goes_[t][v], {there_[t][v]});
        if (t + 1 < size_) {
          at_most(there_[t + 1][v], {there_[t][v], made_[t][v], comes_[t][v]});
          at_most(home_[t + 1][v], {home_[t][v], goes_[t][v]});
        }
      }
    }
  }

  double bytes(std::size_t i) const {
    return static_cast<double>(problem_.bytes(problem_.slots[i].outputs).raw()) /
           static_cast<double>(limits_.budget->raw());
  }

  /// Memory while each operator of a stage runs; a tensor is given up behind the last operator of
  /// the stage that reads it unless the next stage has it (Checkmate's hazards).
  void add_memory() {
    for (std::size_t t = 0; t < size_; ++t) {
      LinearSum used;
      for (std::size_t i = 0; i <= t; ++i) {
        used.add(there_[t][i], bytes(i));
      }
      Column last = -1;
      for (std::size_t k = 0; k <= t; ++k) {
        const Column now = model_.continuous(0, 1);
        LinearSum sum;  // now = before + made - given up
        sum.add(now, -1);
        if (last < 0) {
          sum.add(used, 1);
        } else {
          sum.add(last, 1);
          add_frees(t, k - 1, sum);
        }
        sum.add(made_[t][k], bytes(k));
        model_.row(sum, 0, 0);
        last = now;
      }
    }
  }

  void add_frees(std::size_t t, std::size_t k, LinearSum& sum) {
    std::vector<std::size_t> candidates{k};
    for (const StorageId input : problem_.slots[k].inputs) {
      candidates.push_back(*problem_.tensors[input].producer);
    }
    for (const std::size_t i : candidates) {
      const Column freed = model_.binary();
      at_most(freed, {made_[t][k]});
      LinearSum hazard;  // freed + (kept into the next stage) + (read later in this one) <= ...
      hazard.add(freed, 1);
      if (t + 1 < size_) {
        hazard.add(there_[t + 1][i], 1);
      }
      model_.row(hazard, -LinearModel::kEndless, 1);
      for (const SlotId use : problem_.tensors[problem_.slots[i].outputs.front()].uses) {
        if (use > k && use <= t) {
          LinearSum later;
          later.add(freed, 1);
          later.add(made_[t][use], 1);
          model_.row(later, -LinearModel::kEndless, 1);
        }
      }
      sum.add(freed, -bytes(i));
    }
  }

  const ScheduleProblem& problem_;
  const ScheduleLimits limits_;
  const double scale_;
  const std::size_t size_;
  LinearModel model_;
  Grid made_, there_, home_, comes_, goes_;
};

/// What recomputation alone finds greedily: where the model is not searched, or nothing was found.
ScheduleAnswer without_model(const ScheduleProblem& problem, const ScheduleRequest& request,
                             const std::string& note) {
  ScheduleAnswer answer;
  const auto plan = evict_greedily(problem, request, {true, false});
  answer.notes.push_back(note);
  if (plan) {
    answer.schedule = plan->schedule();
    judge(problem, request, answer);
  }
  return answer;
}

}  // namespace

ScheduleAnswer poet_published(const ScheduleProblem& problem, const ScheduleRequest& request) {
  Effort effort(request.time_limit_s, request.nominal_limit_s);
  ScheduleAnswer answer;
  const bool fits = std::ranges::all_of(problem.slots, [](const ProblemSlot& slot) {
    return slot.outputs.size() == 1 && slot.workspace.raw() == 0;
  });
  if (!fits || 5 * problem.slots.size() * problem.slots.size() / 2 > kMostColumns) {
    answer.notes.push_back(
        "POET's model takes operators with one result each, and no more than a "
        "thousand of them");
    return answer;
  }
  const std::size_t columns = 5 * problem.slots.size() * problem.slots.size() / 2;
  if (columns > kMostSearched && request.time_limit_s >= ScheduleRequest{}.time_limit_s) {
    return without_model(problem, request,
                         "POET's model of " + std::to_string(columns) +
                             " columns is searched with --time-limit alone: a greedy answer");
  }
  double joules = 0;
  for (const ProblemSlot& slot : problem.slots) {
    joules += slot.joules;
  }
  const double scale = joules > 0 ? 1000 / joules : 1;
  const PoetModel model(problem, request.limits, scale);
  // A gap on the total says nothing of the overhead: solve on, as its authors do.
  ScheduleRequest exact = request;
  exact.gap = 1e-6;
  const Solution solution = effort.solve(model.model(), effort.left(), exact);
  answer.solve_s = effort.spent();
  if (solution.status == Solution::Status::kInfeasible) {
    answer.status = ScheduleAnswer::Status::kInfeasible;
    return answer;
  }
  if (solution.values.empty()) {
    ScheduleAnswer greedy =
        without_model(problem, request, "no solution within the time limit: a greedy answer");
    greedy.solve_s = answer.solve_s;
    return greedy;
  }
  answer.schedule = model.decode(solution.values);
  judge(problem, request, answer);
  answer.bound = solution.bound / scale - joules;
  if (!within(answer.replay, request.limits)) {
    answer.notes.push_back("its schedule passes the limits when buffers and transfers are counted");
  } else if (solution.status == Solution::Status::kOptimal) {
    answer.status = ScheduleAnswer::Status::kOptimal;
  }
  answer.solve_s = effort.spent();
  return answer;
}

}  // namespace etude::compiler
