// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/pofo_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace etude::compiler {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kRounding = 1e-9;  ///< of units that a transfer has left over

/// Stages in units of memory, rounded up; m of a table is memory besides the first stage's input.
struct UnitStage {
  double forward_s, backward_s;
  int input, saved, forward_all, forward_none, backward, gradient;
};

/// The persistent dynamic program of rematerialisation over stages i to j within m units.
class RecomputeTable {
 public:
  RecomputeTable(const std::vector<UnitStage>& stages, int units)
      : stages_(stages), units_(units), size_(stages.size()) {
    cost_.assign(size_ * size_ * static_cast<std::size_t>(units + 1), kNever);
    split_.assign(cost_.size(), -1);
    for (std::size_t length = 0; length < size_; ++length) {
      for (std::size_t i = 0; i + length < size_; ++i) {
        for (int m = 0; m <= units; ++m) {
          fill(i, i + length, m);
        }
      }
    }
  }

  /// Seconds of running stages i to j forward and backward; endless if m does not do.
  double seconds(std::size_t i, std::size_t j, int m) const {
    return m < 0 ? kNever : cost_[place(i, j, m)];
  }

  void list(std::size_t i, std::size_t j, int m, std::size_t before,
            std::vector<ChainRecompute>& into) const {
    const int split = split_[place(i, j, m)];
    if (split < 0) {  // i keeps what it saves
      into.push_back({before, i, i});
      if (i < j) {
        list(i + 1, j, m - stages_[i].saved, before, into);
      }
      return;
    }
    const auto k = static_cast<std::size_t>(split);
    into.push_back({before, i, k - 1});
    list(k, j, m - stages_[k].input, before, into);
    list(i, k - 1, m, k - 1, into);
  }

 private:
  std::size_t place(std::size_t i, std::size_t j, int m) const {
    return (i * size_ + j) * static_cast<std::size_t>(units_ + 1) + static_cast<std::size_t>(m);
  }

  void fill(std::size_t i, std::size_t j, int m) {
    const UnitStage& first = stages_[i];
    const int gradient = stages_[j].gradient;
    double& best = cost_[place(i, j, m)];
    if (first.forward_all + gradient <= m && first.saved + first.backward <= m) {
      const double rest = i == j ? 0 : seconds(i + 1, j, m - first.saved);
      best = first.forward_s + first.backward_s + rest;
    }
    double forward = 0;
    for (std::size_t k = i + 1; k <= j; ++k) {
      const UnitStage& last = stages_[k - 1];
      if ((k - 1 > i ? last.input : 0) + last.forward_none + gradient > m) {
        break;
      }
      forward += last.forward_s;
      const double cost = forward + seconds(k, j, m - stages_[k].input) + seconds(i, k - 1, m);
      if (cost < best) {
        best = cost;
        split_[place(i, j, m)] = static_cast<int>(k);
      }
    }
  }

  const std::vector<UnitStage>& stages_;
  const int units_;
  const std::size_t size_;
  std::vector<double> cost_;
  std::vector<int> split_;
};

/// Where the forward pass stands, and how it came there.
struct State {
  std::size_t stage = 0;
  int kept = 0, leaving = 0;
  int due = 0;         ///< what has to be back behind this stage's backward pass
  bool whole = false;  ///< what stands in front of the stage is all that the one before saves
  double seconds = 0;
  std::size_t from = 0;  ///< the state before, by its place in the list of all
  ChainChoice choice;    ///< made there
};

/// Least `due` of the states with at most so much kept and so much leaving.
class LeastDue {
 public:
  explicit LeastDue(int units)
      : size_(units + 1), least_(static_cast<std::size_t>(size_) * size_, units + 1) {}

  int at_most(int kept, int leaving) const {
    int found = size_;
    for (int a = kept + 1; a > 0; a -= a & -a) {
      for (int b = leaving + 1; b > 0; b -= b & -b) {
        found = std::min(found, least_[place(a, b)]);
      }
    }
    return found;
  }
  void add(int kept, int leaving, int due) {
    for (int a = kept + 1; a <= size_; a += a & -a) {
      for (int b = leaving + 1; b <= size_; b += b & -b) {
        least_[place(a, b)] = std::min(least_[place(a, b)], due);
      }
    }
  }

 private:
  std::size_t place(int a, int b) const {
    return static_cast<std::size_t>(a - 1) * static_cast<std::size_t>(size_) +
           static_cast<std::size_t>(b - 1);
  }
  const int size_;
  std::vector<int> least_;
};

class Pofo {
 public:
  Pofo(const std::vector<ChainStage>& stages, const ChainLimits& limits, std::size_t most_states)
      : units_(static_cast<int>(limits.units)),
        unit_(static_cast<double>(limits.memory) / limits.units),
        out_(limits.out_bytes_per_s / unit_),
        in_(limits.in_bytes_per_s / unit_),
        waits_behind_(limits.waits_behind),
        most_states_(most_states),
        stages_(rounded(stages)),
        again_(stages_, units_) {}

  std::optional<ChainPlan> run() {
    waiting_.resize(stages_.size() + 1);
    waiting_[0].push_back({});
    for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
      for (const State& state : undominated(waiting_[stage])) {
        states_.push_back(state);
        expand(state, states_.size() - 1);
      }
      waiting_[stage].clear();
    }
    const State* best = nullptr;
    double least = kNever;
    for (const State& end : waiting_.back()) {
      const double seconds = end.seconds + end.leaving / out_ + end.due / in_;
      if (seconds < least) {
        least = seconds;
        best = &end;
      }
    }
    return best == nullptr ? std::nullopt : std::optional(plan_to(*best, least));
  }

 private:
  /// What running some stages does: seconds, and units that can move meanwhile.
  struct Move {
    double seconds = 0, idle_s = 0, out = 0, in = 0;
  };

  std::vector<UnitStage> rounded(const std::vector<ChainStage>& stages) const {
    const auto up = [&](std::uint64_t bytes) {
      const double units = std::ceil(static_cast<double>(bytes) / unit_ - kRounding);
      return static_cast<int>(std::min(units, 1e8));
    };
    std::vector<UnitStage> made;
    for (const ChainStage& s : stages) {
      made.push_back({s.forward_s, s.backward_s, up(s.input), up(s.saved), up(s.forward_all),
                      up(s.forward_none), up(s.backward), up(s.gradient)});
    }
    return made;
  }

  int front(const State& s) const {
    return s.stage == 0 ? 0 : s.whole ? stages_[s.stage - 1].saved : stages_[s.stage].input;
  }
  /// Units for a segment that is made again: what comes back meanwhile has its place all along.
  int room(const State& s) const { return units_ - s.kept - s.due - front(s); }

  bool keep(const State& s, Move& move) const {
    const UnitStage& stage = stages_[s.stage];
    const int there = s.kept + front(s), back = stage.saved + stage.backward;
    if (there + stage.forward_all > units_ || there + back > units_) {
      return false;
    }
    const double wait_out = std::max(0, there + s.leaving + stage.forward_all - units_);
    const double wait_in = std::max(0, there + s.due + back - units_);
    if (wait_in > 0 && !waits_behind_) {
      return false;
    }
    move.idle_s = wait_out / out_;
    move.out = stage.forward_s * out_ + wait_out;
    move.in = stage.backward_s * in_ + wait_in;
    move.seconds = stage.forward_s + stage.backward_s + move.idle_s + wait_in / in_;
    return true;
  }

  bool drop(const State& s, std::size_t last, Move& move) const {
    const int there = s.kept + front(s);
    double wait = 0, forward = 0;
    for (std::size_t k = s.stage; k <= last; ++k) {
      const int need = (k > s.stage ? stages_[k].input : 0) + stages_[k].forward_none;
      if (there + need > units_) {
        return false;
      }
      wait = std::max(wait, there + s.leaving + need - forward * out_ - units_);
      forward += stages_[k].forward_s;
    }
    const double backward = again_.seconds(s.stage, last, room(s));
    if (!(backward < kNever)) {
      return false;
    }
    move.idle_s = wait / out_;
    move.out = forward * out_ + wait;
    move.in = backward * in_;
    move.seconds = forward + backward + move.idle_s;
    return true;
  }

  State next(const State& s, const Move& move, bool offload, std::size_t last, bool all) const {
    const auto up = [](double units) {
      return static_cast<int>(std::ceil(std::max(0.0, units) - kRounding));
    };
    const int size = front(s);
    State to;
    to.stage = last + 1;
    to.whole = all;
    to.kept = s.kept + (offload ? 0 : size);
    to.leaving = up(s.leaving + (offload ? size : 0) - move.out);
    to.due = up(s.due - move.in) + (offload ? size : 0);
    return to;
  }

  void expand(const State& s, std::size_t place) {
    const auto add = [&](const Move& move, std::size_t last, bool all) {
      for (const bool offload : {false, true}) {
        if (offload && s.stage == 0) {
          continue;  // nothing stands in front of the first stage
        }
        State to = next(s, move, offload, last, all);
        if (to.kept + to.leaving > units_ || to.kept + to.due > units_) {
          continue;
        }
        to.seconds = s.seconds + move.seconds;
        to.from = place;
        to.choice = {s.stage, last, all, offload, move.idle_s};
        waiting_[to.stage].push_back(to);
      }
    };
    Move move;
    if (keep(s, move)) {
      add(move, s.stage, true);
    }
    for (std::size_t last = s.stage; last < stages_.size(); ++last) {
      Move dropped;
      if (drop(s, last, dropped)) {
        add(dropped, last, false);
      }
    }
  }

  std::vector<State> undominated(std::vector<State>& all) {
    std::ranges::stable_sort(all, {}, &State::seconds);
    std::vector<LeastDue> least(2, LeastDue(units_));
    std::vector<State> stay;
    for (const State& state : all) {
      LeastDue& of = least[state.whole ? 1 : 0];
      if (of.at_most(state.kept, state.leaving) > state.due) {
        of.add(state.kept, state.leaving, state.due);
        if (stay.size() == most_states_) {
          cut_ = true;
          break;
        }
        stay.push_back(state);
      }
    }
    return stay;
  }

  ChainPlan plan_to(const State& end, double seconds) const {
    ChainPlan plan{seconds, {}, {}, cut_};
    for (const State* state = &end; state->stage > 0; state = &states_[state->from]) {
      plan.choices.insert(plan.choices.begin(), state->choice);
      if (!state->choice.all) {
        again_.list(state->choice.first, state->choice.last, room(states_[state->from]),
                    state->choice.last, plan.recomputes);
      }
    }
    return plan;
  }

  const int units_;
  const double unit_, out_, in_;
  const bool waits_behind_;
  const std::size_t most_states_;
  const std::vector<UnitStage> stages_;
  const RecomputeTable again_;
  std::vector<std::vector<State>> waiting_;  ///< of each stage
  std::vector<State> states_;                ///< that were gone on from
  bool cut_ = false;
};

}  // namespace

std::optional<ChainPlan> solve_chain(const std::vector<ChainStage>& stages,
                                     const ChainLimits& limits, std::size_t most_states) {
  if (stages.empty() || limits.memory == 0) {
    return std::nullopt;
  }
  return Pofo(stages, limits, most_states).run();
}

}  // namespace etude::compiler
