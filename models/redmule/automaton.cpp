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

// Beats of `burst` that may move without an effect, if it does not end.
std::uint64_t calm_beats(const RedmuleBurst& burst, std::uint64_t length) {
  if (burst.transferred >= length) {
    return ~std::uint64_t{0};
  }
  const std::uint64_t left = length - burst.transferred;
  return (burst.generated < length ? std::min(length - burst.generated, left) : left) - 1;
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
  calm_ = find_calm();
  bursts_ = rows_ = 0;
}

RedmuleProgress RedmuleWalker::settled() const {
  RedmuleProgress at = progress_;
  std::uint64_t bytes = bursts_;
  for (RedmuleBurst* burst : {&at.x, &at.w, &at.y, &at.z}) {
    burst->generated += bytes & 0xFF;
    burst->transferred += bytes >> 8 & 0xFF;
    bytes >>= 16;
  }
  at.w_row += rows_;
  return at;
}

std::uint64_t RedmuleWalker::find_calm() const {
  const RedmulePlan& p = plan();
  const RedmuleProgress& at = progress_;
  const bool last_rows = at.row + 1 == p.row_blocks && p.x_rows_left != 0;
  const std::uint64_t rows = at.w_row + 1 < p.w_rows ? p.w_rows - 2 - at.w_row : 0;
  return std::min({calm_beats(at.x, last_rows ? p.x_rows_left : p.width),
                   calm_beats(at.w, p.w_beats), calm_beats(at.y, p.z_beats),
                   calm_beats(at.z, p.z_beats), rows, std::uint64_t{255}});
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
        if ((edge.moves & kSeldom) == 0 && calm_ != 0) [[likely]] {
          --calm_;
          bursts_ += edge.bursts;
          rows_ += edge.moves / kRowOfW;
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
