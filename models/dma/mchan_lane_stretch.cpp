// SPDX-License-Identifier: Apache-2.0
// The middle of pieces, where a lane goes along its automaton.
#include <algorithm>
#include <utility>

#include "models/dma/mchan_lane.h"

namespace etude {

// The lanes whose word will be wanted in the next cycle, in the middle of a piece.
template <bool kToL1>
inline std::uint32_t MchanLane::wanted() const {
  const Flow flow{entries_};
  return lanes_asked_ | (wants<kToL1, 0>(flow) ? 1u : 0u) | (wants<kToL1, 1>(flow) ? 2u : 0u);
}

// Brings the queues and the counters of the stages up to date; the next cycle is stepped.
void MchanLane::leave_stretch() {
  using Automaton = MchanAutomaton;
  begun_or_ended();
  const std::uint64_t key = state_->key;
  entries_ = key & kAllQueues;
  align_ = static_cast<Align>(key >> kAlignBits & 7);
  for (unsigned lane = 0; lane < 2; ++lane) {
    returning_[lane] = (key >> (kReturningBits + lane) & 1) != 0;
    holding_[lane] = (key >> (kHoldingBits + lane) & 1) != 0;
  }
  const std::uint64_t beats = std::exchange(stretch_done_, 0);
  stretch_left_ = 0;
  lane_beat_[0] += Automaton::count(beats, Automaton::kLane0);
  lane_beat_[1] += Automaton::count(beats, Automaton::kLane1);
  counters_.words +=
      Automaton::count(beats, Automaton::kLane0) + Automaton::count(beats, Automaton::kLane1);
  beats_left_ -= Automaton::count(beats, Automaton::kUnpacked);
  inputs_left_ -= Automaton::count(beats, Automaton::kInputs);
  outputs_left_ -= Automaton::count(beats, Automaton::kOutputs);
  bus_beat_ += Automaton::count(beats, Automaton::kBus);
  taken_beat_ += Automaton::count(beats, Automaton::kTaken);
}

void MchanLane::renew_stretch() {
  leave_stretch();
  to_l1_ ? find_stretch<true>() : find_stretch<false>();
}

// A cycle of a stretch that was not seen yet: it is stepped, and an edge from then on.
void MchanLane::learn(Cycle::rep now, std::uint32_t granted, const std::uint32_t* words,
                      MchanWork& work) {
  MchanAutomaton::State* const from = automaton_.find(state_->key, state_->asks);
  leave_stretch();
  const auto counters = [this] {
    return std::array<unsigned, 7>{lane_beat_[0],    lane_beat_[1],     0 - beats_left_,
                                   0 - inputs_left_, 0 - outputs_left_, bus_beat_,
                                   taken_beat_};
  };
  const std::array<unsigned, 7> before = counters();
  MchanWork done;
  std::uint32_t asks = 0;
  if (to_l1_) {
    step<true>(now, granted, words, done);
    asks = wanted<true>();
  } else {
    step<false>(now, granted, words, done);
    asks = wanted<false>();
  }
  const std::array<unsigned, 7> after = counters();
  const MchanAutomaton::State* const next = automaton_.find(stretch_key(), asks);
  if (next != nullptr && done.moved) {
    std::uint64_t beats = 0;
    for (unsigned stage = 0; stage < after.size(); ++stage) {
      beats |= std::uint64_t{after[stage] - before[stage]} << 8 * stage;
    }
    from->edges[granted] = {beats, next, done.data};
  }
  work.moved |= done.moved;
  work.data |= done.data;
  work.refused |= done.refused;
}

// All that the stages look at in a stretch, as it is behind a cycle.
std::uint64_t MchanLane::stretch_key() const {
  std::uint64_t key = entries_ | static_cast<std::uint64_t>(align_) << kAlignBits |
                      std::uint64_t{lanes_asked_} << kAskedBits;
  for (unsigned lane = 0; lane < 2; ++lane) {
    key |= std::uint64_t{returning_[lane]} << (kReturningBits + lane) |
           std::uint64_t{holding_[lane]} << (kHoldingBits + lane);
  }
  return key;
}

// Behind a cycle: for how many cycles no piece, burst or row can begin or end, whatever is granted.
// Splitter, unpacker and addresses wait for such an end then; the last beat of a piece, whose words
// may be cut, is outside.
template <bool kToL1>
void MchanLane::find_stretch() {
  may_stretch_ = false;
  if (!uses_automaton_ || lane_beat_[0] == 0 || lane_beat_[1] == 0 || bus_beat_ == 0 ||
      (align_ != Align::kRun && align_ != Align::kWantData && align_ != Align::kWantSpace)) {
    return;
  }
  const Flow flow{entries_};
  const bool splitter_waits = !flow.room(kRows) || (!splitting_ && queue_tail_ == queue_head_);
  const bool unpacker_waits = !flow.room(kExtCommand) ||
                              (!kToL1 && (!flow.room(kTcdmCommand) || !flow.room(kAlign))) ||
                              (!unpacking_ && !flow.any(kRows));
  const bool bus_waits = kToL1 ? taken_beat_ != 0 && asked_ == issued_ &&
                                     (!flow.any(kExtCommand) || outstanding_ >= outstanding_limit_)
                               : writing_ && !write_due_;
  if (!splitter_waits || !unpacker_waits || !bus_waits) {
    return;
  }
  unsigned cycles = std::min({piece(lane_piece_[0]).l1_beats - lane_beat_[0] - 1,
                              piece(lane_piece_[1]).l1_beats - lane_beat_[1] - 1, beats_left_,
                              inputs_left_ - 1, outputs_left_ - 1, kLongestStretch});
  if constexpr (kToL1) {
    cycles = std::min({cycles, piece(taken_).ext_beats - taken_beat_ - 1,
                       piece(on_bus_).ext_beats - bus_beat_ - 1});
  } else {
    cycles = std::min(cycles, piece(issued_ - 1).ext_beats - bus_beat_ - 1);
  }
  if (cycles < kWorthStretching) {
    return;
  }
  const MchanAutomaton::State* const state = automaton_.find(stretch_key(), wanted<kToL1>());
  if (state != nullptr) {
    state_ = state;
    stretch_left_ = cycles;
    word_[0].enable = word_[1].enable = 0xF;
  }
}

template void MchanLane::find_stretch<true>();
template void MchanLane::find_stretch<false>();

}  // namespace etude
