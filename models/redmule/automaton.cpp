// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/automaton.h"

#include <algorithm>

namespace etude {
namespace {

// How the progress of a job moves in a cycle.
enum Move : std::uint32_t {
  kXGenerated = 1u << 0,
  kXTransferred = 1u << 1,
  kXEnds = 1u << 2,
  kWGenerated = 1u << 3,
  kWTransferred = 1u << 4,
  kWEnds = 1u << 5,
  kYGenerated = 1u << 6,
  kYTransferred = 1u << 7,
  kYEnds = 1u << 8,
  kZGenerated = 1u << 9,
  kZTransferred = 1u << 10,
  kZEnds = 1u << 11,
  kBlockEmpty = 1u << 12,  // the X pad
  kRowOfW = 1u << 13,
  kTileOfZ = 1u << 14,
  // What may change a condition at once; others do so when they have come to an end.
  kSeldom = kXEnds | kWEnds | kYEnds | kZEnds | kBlockEmpty | kTileOfZ
};

// The beats among `moves`, a byte each.
std::uint64_t bursts_of(std::uint32_t moves) {
  std::uint64_t bytes = 0;
  for (unsigned stream = 0; stream < 4; ++stream) {
    const std::uint32_t own = moves >> 3 * stream;
    bytes |= (std::uint64_t{own & kXGenerated} | std::uint64_t{own >> 1 & 1} << 8) << 16 * stream;
  }
  return bytes;
}

constexpr std::uint64_t kInBudget = 0x8080808080808080u;  // of all streams

// Beats that may be added to `beats` without reaching `length`, in a byte of a budget; all that
// fit in if it is reached already.
std::uint64_t budget_of(std::uint64_t beats, std::uint64_t length) {
  return 0x80u | (beats < length ? std::min<std::uint64_t>(length - 1 - beats, 0x7f) : 0x7f);
}
std::uint64_t budget_of(const RedmuleBurst& burst, std::uint64_t length) {
  return budget_of(burst.generated, length) | budget_of(burst.transferred, length) << 8;
}

std::uint32_t moves_of(const RedmuleBurst& before, const RedmuleBurst& after) {
  if (after.generated == 0 && before.generated != 0) {
    return kXEnds;
  }
  return (after.generated != before.generated ? kXGenerated : 0u) |
         (after.transferred != before.transferred ? kXTransferred : 0u);
}

std::uint32_t moves_of(const RedmuleProgress& before, const RedmuleProgress& after) {
  std::uint32_t moves = moves_of(before.x, after.x) | moves_of(before.w, after.w) << 3 |
                        moves_of(before.y, after.y) << 6 | moves_of(before.z, after.z) << 9;
  if (after.x_column != before.x_column || after.x_tile != before.x_tile ||
      after.x_row != before.x_row) {
    moves |= kBlockEmpty;
  }
  if (after.w_row != before.w_row || after.w_column != before.w_column ||
      after.w_matrix != before.w_matrix) {
    moves |= kRowOfW;
  }
  if (after.y_column != before.y_column || after.y_row != before.y_row) {
    moves |= kTileOfZ;
  }
  return moves;
}

void move(RedmuleBurst& burst, std::uint32_t moves) {
  if ((moves & kXEnds) != 0) {
    burst = {};
    return;
  }
  burst.generated += moves & kXGenerated;
  burst.transferred += moves >> 1 & 1;
}

}  // namespace

bool RedmuleAutomaton::serves(const RedmulePlan& plan) const {
  return plan.height == plan_.height && plan.width == plan_.width && plan.pipe == plan_.pipe &&
         plan.columns == plan_.columns && plan.loads_y == plan_.loads_y &&
         plan.x_rows_left == plan_.x_rows_left && plan.w_columns_left == plan_.w_columns_left &&
         plan.x_columns_left == plan_.x_columns_left && plan.last_slots == plan_.last_slots;
}

std::uint32_t RedmuleAutomaton::node_of(const RedmuleControl& state) {
  const std::uint64_t fingerprint = state.fingerprint();
  const auto [first, last] = by_fingerprint_.equal_range(fingerprint);
  for (auto it = first; it != last; ++it) {
    if (states_[it->second].same_state(state)) {
      return it->second;
    }
  }
  if (nodes_.size() == kMostNodes) {
    return kNowhere;
  }
  const auto node = static_cast<std::uint32_t>(nodes_.size());
  RedmuleControl asks = state;
  nodes_.push_back({asks.request(), {kNowhere, kNowhere}});
  states_.push_back(state);
  by_fingerprint_.emplace(fingerprint, node);
  return node;
}

RedmuleAutomaton* RedmuleAutomata::find(const RedmulePlan& plan) {
  for (RedmuleAutomaton& automaton : automata_) {
    if (automaton.serves(plan)) {
      return &automaton;
    }
  }
  return automata_.size() < kMost ? &automata_.emplace_back(plan) : nullptr;
}

void RedmuleWalker::start(const RedmulePlan& plan, RedmuleAutomaton* automaton) {
  control_.start(plan);
  automaton_ = automaton;
  if (automaton_ != nullptr) {
    node_ = automaton_->node_of(control_);
    progress_ = control_.progress();
    look_around();
  }
}

// Of a settled progress: what holds, and how long it will at least.
void RedmuleWalker::look_around() {
  conditions_ = find_conditions();
  budget_begin_ = budget_ = find_budget();
  const std::uint32_t row = progress_.w_row + 1;
  rows_ = 0;
  rows_most_ = row < plan().w_rows ? plan().w_rows - 1 - row : 0;
}

RedmuleProgress RedmuleWalker::settled() const {
  RedmuleProgress at = progress_;
  std::uint64_t bytes = budget_begin_ - budget_;
  for (RedmuleBurst* burst : {&at.x, &at.w, &at.y, &at.z}) {
    burst->generated += bytes & 0xFF;
    burst->transferred += bytes >> 8 & 0xFF;
    bytes >>= 16;
  }
  at.w_row += rows_;
  return at;
}

std::uint64_t RedmuleWalker::find_budget() const {
  const RedmulePlan& p = plan();
  const RedmuleProgress& at = progress_;
  const bool last_rows = at.row + 1 == p.row_blocks && p.x_rows_left != 0;
  return budget_of(at.x, last_rows ? p.x_rows_left : p.width) | budget_of(at.w, p.w_beats) << 16 |
         budget_of(at.y, p.z_beats) << 32 | budget_of(at.z, p.z_beats) << 48;
}

// All comparisons of the progress that the control makes.
std::uint32_t RedmuleWalker::find_conditions() const {
  const RedmulePlan& p = plan();
  const RedmuleProgress& at = progress_;
  const bool last_rows = at.row + 1 == p.row_blocks;
  const std::uint64_t x_length = last_rows && p.x_rows_left != 0 ? p.x_rows_left : p.width;
  std::uint32_t bits = 0;
  const auto add = [&bits](bool condition) { bits = bits << 1 | (condition ? 1u : 0u); };
  add(at.x_column + 1 == p.x_blocks);
  add(at.x_tile + 1 == p.column_blocks);
  add(at.x_row + 1 == p.row_blocks);
  add(at.w_row + 1 == p.w_rows);
  add(at.w_column + 1 == p.column_blocks && at.w_matrix + 1 == p.row_blocks);
  add(at.y_column + 1 == p.column_blocks);
  add(at.y_column == 0 && at.y_row == 0);
  add(at.blocks_read != 0 && at.blocks_read < p.x_block_total);
  add(last_rows);
  add(at.x.generated >= x_length);
  add(at.x.transferred == x_length);
  add(at.w.generated >= p.w_beats);
  add(at.w.transferred == p.w_beats);
  add(at.y.generated >= p.z_beats);
  add(at.y.transferred == p.z_beats);
  add(at.z.generated >= p.z_beats);
  add(at.z.transferred == p.z_beats);
  return bits;
}

void RedmuleWalker::apply(std::uint32_t moves, RedmuleProgress& at) const {
  const RedmulePlan& p = plan();
  move(at.x, moves);
  move(at.w, moves >> 3);
  move(at.y, moves >> 6);
  move(at.z, moves >> 9);
  if ((moves & kXEnds) != 0) {
    ++at.blocks_read;
    if (++at.block == p.x_blocks) {
      at.block = 0;
      if (++at.column == p.column_blocks) {
        at.column = 0;
        at.row = at.row + 1 == p.row_blocks ? 0 : at.row + 1;
      }
    }
  }
  if ((moves & kBlockEmpty) != 0) {
    if (++at.x_column == p.x_blocks) {
      at.x_column = 0;
      if (++at.x_tile == p.column_blocks) {
        at.x_tile = 0;
        ++at.x_row;
      }
    }
  }
  if ((moves & kRowOfW) != 0 && ++at.w_row == p.w_rows) {
    at.w_row = 0;
    if (++at.w_column == p.column_blocks) {
      at.w_column = 0;
      ++at.w_matrix;
    }
  }
  if ((moves & kTileOfZ) != 0 && ++at.y_column == p.column_blocks) {
    at.y_column = 0;
    at.y_row = at.y_row + 1 == p.w_rows ? 0 : at.y_row + 1;
  }
}

RedmuleControl::Outcome RedmuleWalker::clock(bool granted) {
  if (node_ == RedmuleAutomaton::kNowhere) {
    return control_.clock(granted);
  }
  for (std::uint32_t e = automaton_->nodes_[node_].edges[granted ? 1 : 0];
       e != RedmuleAutomaton::kNowhere;) {
    const RedmuleAutomaton::Edge& edge = automaton_->edges_[e];
    if (edge.conditions == conditions_) {
      node_ = edge.target;
      if (edge.moves != 0) {
        const std::uint64_t budget = budget_ - edge.bursts;
        const std::uint32_t rows = rows_ + edge.moves / kRowOfW;
        if ((edge.moves & kSeldom) == 0 && (budget & kInBudget) == kInBudget && rows <= rows_most_)
            [[likely]] {
          budget_ = budget;
          rows_ = rows;
        } else {
          progress_ = settled();
          apply(edge.moves, progress_);
          look_around();
        }
      }
      return edge.outcome;
    }
    e = edge.next;
  }
  return clock_first(granted);
}

// A transition that was never made: the control makes it.
RedmuleControl::Outcome RedmuleWalker::clock_first(bool granted) {
  const std::uint32_t from = node_;
  control_ = materialised();
  progress_ = settled();
  node_ = RedmuleAutomaton::kNowhere;
  control_.request();
  const RedmuleControl::Outcome outcome = control_.clock(granted);
  const RedmuleProgress after = control_.progress();
  const std::uint32_t moves = moves_of(progress_, after);
  apply(moves, progress_);
  if (outcome.finished || !(progress_ == after)) {
    return outcome;  // the job is over, or not of this kind: the control goes on by itself
  }
  RedmuleControl bare = control_;
  bare.set_progress({});
  const std::uint32_t target = automaton_->node_of(bare);
  if (target != RedmuleAutomaton::kNowhere) {
    std::uint32_t& first = automaton_->nodes_[from].edges[granted ? 1 : 0];
    automaton_->edges_.push_back({conditions_, moves, target, first, bursts_of(moves), outcome});
    first = static_cast<std::uint32_t>(automaton_->edges_.size() - 1);
    node_ = target;
    look_around();
  }
  return outcome;
}

RedmuleControl RedmuleWalker::materialised() const {
  if (node_ == RedmuleAutomaton::kNowhere) {
    return control_;
  }
  RedmuleControl control = automaton_->states_[node_];
  control.set_plan(plan());
  control.set_progress(settled());
  return control;
}

bool RedmuleWalker::same_state(const RedmuleWalker& other) const {
  if (automaton_ == other.automaton_ && node_ != RedmuleAutomaton::kNowhere &&
      other.node_ != RedmuleAutomaton::kNowhere) {
    return node_ == other.node_ && conditions_ == other.conditions_ && settled() == other.settled();
  }
  return materialised().same_state(other.materialised());
}

}  // namespace etude
