// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "models/redmule/control.h"

namespace etude {

/// The transitions that RedmuleControl has made, remembered. Without its RedmuleProgress the
/// control is a small state that comes again and again; the next one follows from it, from whether
/// the port was granted, and from a few comparisons of the progress with the plan. Each such
/// transition is computed once, by the control itself, and looked up afterwards. One automaton
/// serves all plans with the same left-overs.
class RedmuleAutomaton {
 public:
  static constexpr std::uint32_t kNowhere = ~0u;

  explicit RedmuleAutomaton(const RedmulePlan& plan) : plan_(plan) {}
  /// True if `plan` behaves as the automaton's.
  bool serves(const RedmulePlan& plan) const;
  std::size_t nodes() const { return nodes_.size(); }

 private:
  friend class RedmuleWalker;
  struct Edge {
    std::uint32_t conditions;
    std::uint32_t moves;
    std::uint32_t target;
    std::uint32_t next;    ///< edge of the same node and grant
    std::uint64_t bursts;  ///< of `moves` those of the bursts, a byte each
    RedmuleControl::Outcome outcome;
  };
  struct Node {
    RedmuleStream stream;                ///< that asks for the port
    std::array<std::uint32_t, 2> edges;  ///< first one without and with a grant
  };
  /// The node of a state without progress; kNowhere if there are too many.
  std::uint32_t node_of(const RedmuleControl& state);

  static constexpr std::size_t kMostNodes = std::size_t{1} << 15;
  RedmulePlan plan_;
  std::vector<Node> nodes_;
  std::deque<RedmuleControl> states_;  // of the nodes
  std::vector<Edge> edges_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_fingerprint_;
};

/// The automata of the last plans.
class RedmuleAutomata {
 public:
  RedmuleAutomaton* find(const RedmulePlan& plan);

 private:
  static constexpr std::size_t kMost = 64;
  std::deque<RedmuleAutomaton> automata_;
};

/// A RedmuleControl that follows an automaton as far as it goes, or none. Same calls, same answers.
class RedmuleWalker {
 public:
  void start(const RedmulePlan& plan, RedmuleAutomaton* automaton);
  RedmuleStream request() {
    return node_ != RedmuleAutomaton::kNowhere ? automaton_->nodes_[node_].stream
                                               : control_.request();
  }
  RedmuleControl::Outcome clock(bool granted);
  const RedmulePlan& plan() const { return control_.plan(); }
  bool same_state(const RedmuleWalker& other) const;

 private:
  RedmuleControl materialised() const;
  RedmuleProgress settled() const;
  void look_around();
  RedmuleControl::Outcome clock_first(bool granted);
  void apply(std::uint32_t moves, RedmuleProgress& progress) const;
  std::uint32_t find_conditions() const;
  std::uint64_t find_budget() const;

  RedmuleAutomaton* automaton_ = nullptr;
  std::uint32_t node_ = RedmuleAutomaton::kNowhere;
  std::uint32_t conditions_ = 0;
  /// Valid on a node, as of some cycles ago: beats and rows of W have moved since, too few to
  /// change a condition.
  RedmuleProgress progress_;
  // How many more beats may be generated and transferred in each stream before a condition changes,
  // a byte each with its highest bit set; that bit falls when there are too many. As it was when
  // progress_ was settled, and now.
  std::uint64_t budget_begin_ = 0;
  std::uint64_t budget_ = 0;
  std::uint32_t rows_ = 0;       ///< of W, since then
  std::uint32_t rows_most_ = 0;  ///< that may be
  RedmuleControl control_;       ///< its state is valid off the nodes, its plan always
};

}  // namespace etude
