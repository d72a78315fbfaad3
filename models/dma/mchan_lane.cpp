// SPDX-License-Identifier: Apache-2.0
#include "models/dma/mchan_lane.h"

#include <algorithm>
#include <cstring>

namespace etude {

MchanLane::MchanLane(bool to_l1, unsigned burst, unsigned outstanding, AxiPort& axi)
    : to_l1_(to_l1),
      burst_(burst),
      outstanding_limit_(outstanding),
      axi_(&axi),
      buffer_bytes_(burst + 1 + 2 * kMargin + 7) {
  pieces_.resize(kRing);
  buffers_.resize(kRing * buffer_bytes_);
}

void MchanLane::reset() {
  const bool uses_automaton = uses_automaton_;
  *this = MchanLane(to_l1_, burst_, outstanding_limit_, *axi_);
  uses_automaton_ = uses_automaton;
}

void MchanLane::enqueue(const MchanTransfer& transfer, Cycle::rep now) {
  if (stretch_left_ != 0) {
    leave_stretch();  // the splitter has something to do
  }
  transfers_[queue_head_++ % kTransfers] = {transfer, now};
  ++alive_;
}

void MchanLane::begin_piece(unsigned lane) {
  begun_or_ended();
  const Piece& p = piece(lane_piece_[lane]);
  lane_beats_[lane] = p.l1_beats;
  word_[lane].address = (p.l1 & ~7u) + 4 * lane;
  word_[lane].data =
      buffer(lane_piece_[lane]) + kMargin + static_cast<std::int32_t>(word_[lane].address - p.l1);
}

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline void MchanLane::find_word() {
  const unsigned beat = lane_beat_[kLane];
  if (beat == 0) {
    begin_piece(kLane);
  }
  if constexpr (kToL1) {
    unsigned enable = 0xF;
    if (beat == 0 || beat + 1 == lane_beats_[kLane]) {
      const Piece& p = piece(lane_piece_[kLane]);
      const std::uint32_t from = word_[kLane].address - p.l1;  // within the piece, modulo 2^32
      if (from >= p.bytes || from + 3 >= p.bytes) {
        enable = 0;
        for (std::uint32_t i = 0; i < 4; ++i) {
          enable |= from + i < p.bytes ? 1u << i : 0;
        }
      }
    }
    word_[kLane].enable = static_cast<std::uint8_t>(enable);
  }
}

template <bool kToL1>
std::uint32_t MchanLane::ask() {
  const Flow flow{entries_};
  std::uint8_t asked = lanes_asked_, passing = 0;
  if ((asked & 1) == 0 && wants<kToL1, 0>(flow)) {
    find_word<kToL1, 0>();
    (word_[0].enable != 0 ? asked : passing) |= 1;
  }
  if ((asked & 2) == 0 && wants<kToL1, 1>(flow)) {
    find_word<kToL1, 1>();
    (word_[1].enable != 0 ? asked : passing) |= 2;
  }
  lanes_asked_ = asked;
  lanes_passing_ = passing;
  return asked;
}

std::uint32_t MchanLane::requests(DmaPortRequest& lane0, DmaPortRequest& lane1) {
  const std::uint32_t asked = ask();
  for (unsigned lane = 0; lane < 2; ++lane) {
    if ((asked >> lane & 1) != 0) {
      DmaPortRequest& request = lane == 0 ? lane0 : lane1;
      request = {word_[lane].address, 0, word_[lane].enable, to_l1_};
      if (to_l1_) {
        std::memcpy(&request.wdata, word_[lane].data, 4);
      }
    }
  }
  return asked;
}

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline void MchanLane::step_lane(Flow& flow, Cycle::rep now, bool served,
                                                        bool asked, std::uint32_t rdata,
                                                        MchanWork& work) {
  constexpr Queue kWords = kLane == 0 ? kWord0 : kWord1;
  if constexpr (!kToL1) {
    if (returning_[kLane] || holding_[kLane]) {
      holding_[kLane] = !flow.room(kWords);
      if (!holding_[kLane]) {
        flow.push(kWords);
      }
      returning_[kLane] = false;
      work.moved = true;
    }
  }
  if (!served) {
    return;
  }
  flow.pop(kLane == 0 ? kBeat0 : kBeat1);
  work.data = true;
  counters_.words += asked;
  Word& word = word_[kLane];
  if constexpr (kToL1) {
    flow.pop(kWords);
  } else {
    std::memcpy(word.data, &rdata, 4);
    returning_[kLane] = true;
  }
  word.address += 8;
  word.data += 8;
  if (++lane_beat_[kLane] == lane_beats_[kLane]) {
    lane_finished(kLane, now, work);
  }
}

void MchanLane::lane_finished(unsigned lane, Cycle::rep now, MchanWork& work) {
  begun_or_ended();
  const unsigned done = lane_piece_[lane]++;
  lane_beat_[lane] = 0;
  if (!to_l1_ || lane_piece_[1 - lane] <= done) {
    return;  // the other lane has words of this piece left
  }
  const Piece& p = piece(done);
  if (p.last) {
    work.finish(p.id, now + 2);  // one cycle in the queue that joins the lanes, one in the counter
    --alive_;
  }
}

[[gnu::always_inline]] inline void MchanLane::step_tcdm_unpacker(Flow& flow) {
  if (!flow.room(kBeat0) || !flow.room(kBeat1)) {
    return;
  }
  if (beats_left_ == 0) {
    if (!flow.any(kTcdmCommand)) {
      return;
    }
    flow.pop(kTcdmCommand);
    beats_left_ = piece(unpacked_++).l1_beats;
    begun_or_ended();
  }
  --beats_left_;
  flow.push(kBeat0);
  flow.push(kBeat1);
}

template <bool kToL1>
[[gnu::always_inline]] inline void MchanLane::input_taken(Flow& flow) {
  --inputs_left_;
  if (kToL1) {
    flow.pop(kExtData);
  } else {
    flow.pop(kWord0);
    flow.pop(kWord1);
  }
  if (align_ == Align::kFirst || align_ == Align::kSecond) {
    begun_or_ended();
  }
  if (inputs_left_ == 0) {
    align_ = Align::kDrain;
  } else if (align_ == Align::kFirst && !skip_second_) {
    align_ = Align::kSecond;
  } else {
    align_ = Align::kRun;
  }
}

template <bool kToL1>
[[gnu::always_inline]] inline void MchanLane::step_aligner(Flow& flow, MchanWork& work) {
  const bool input = kToL1 ? flow.any(kExtData) : flow.any(kWord0) && flow.any(kWord1);
  const bool space = kToL1 ? flow.room(kWord0) && flow.room(kWord1) : flow.room(kExtData);
  bool output = false;
  switch (align_) {
    case Align::kIdle:
      if (flow.any(kAlign)) {
        load_aligner(flow);
      }
      return;
    case Align::kFirst:
    case Align::kSecond:
    case Align::kWantData:
      if (input) {
        input_taken<kToL1>(flow);
        work.data = true;
      }
      return;
    case Align::kRun:
      if (input && space) {
        output = true;
        input_taken<kToL1>(flow);
      } else if (space) {
        output = true;
        align_ = Align::kWantData;
      } else if (input) {
        align_ = Align::kWantSpace;
        work.moved = true;
      }
      break;
    case Align::kWantSpace:
      if (space) {
        output = true;
        input_taken<kToL1>(flow);
      }
      break;
    case Align::kDrain:
      output = space;
      break;
  }
  if (!output) {
    return;
  }
  work.data = true;
  if (kToL1) {
    flow.push(kWord0);
    flow.push(kWord1);
  } else {
    flow.push(kExtData);
  }
  if (--outputs_left_ == 0) {
    align_ = Align::kIdle;
    if (flow.any(kAlign)) {
      load_aligner(flow);
    }
  }
}

[[gnu::always_inline]] inline void MchanLane::step_read_bus(Flow& flow, Cycle::rep now,
                                                            MchanWork& work) {
  // The address that was issued in the last cycle is on the bus now.
  if (asked_ != issued_) {
    read_burst(now);
  }
  if (flow.any(kExtCommand) && outstanding_ < outstanding_limit_) {
    begun_or_ended();
    flow.pop(kExtCommand);
    ++issued_;
    ++outstanding_;
  }
  if (flow.any(kBusBuffer) && flow.room(kExtData) && flow.room(kTcdmCommand) && flow.room(kAlign)) {
    flow.pop(kBusBuffer);
    flow.push(kExtData);
    if (taken_beat_ == 0) {
      begun_or_ended();
      flow.push(kTcdmCommand);
      flow.push(kAlign);
    }
    if (++taken_beat_ == piece(taken_).ext_beats) {
      begun_or_ended();
      taken_beat_ = 0;
      ++taken_;
      --outstanding_;
    }
    work.data = true;
  }
  if (on_bus_ != asked_ && flow.room(kBusBuffer) &&
      now >= std::max(piece(on_bus_).ready, bus_free_)) {
    flow.push(kBusBuffer);
    bus_free_ = now + 1;
    if (++bus_beat_ == piece(on_bus_).ext_beats) {
      begun_or_ended();
      bus_beat_ = 0;
      ++on_bus_;
    }
    work.data = true;
  }
}

[[gnu::always_inline]] inline void MchanLane::step_write_bus(Flow& flow, Cycle::rep now,
                                                             MchanWork& work) {
  if (write_due_) {
    write_burst(now, work);
  }
  while (released_ != asked_ && piece(released_).ready <= now) {
    ++released_;
  }
  if (!writing_ && flow.any(kExtCommand) && issued_ - released_ < outstanding_limit_) {
    begun_or_ended();
    flow.pop(kExtCommand);
    ++issued_;
    writing_ = true;
  }
  if (writing_ && flow.any(kExtData)) {
    flow.pop(kExtData);
    if (bus_beat_ == 0) {
      first_w_ = now + 1;
    }
    if (++bus_beat_ == piece(issued_ - 1).ext_beats) {
      begun_or_ended();
      bus_beat_ = 0;
      writing_ = false;
      write_due_ = true;
    }
    work.data = true;
  }
}

template <bool kToL1>
void MchanLane::step(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata,
                     MchanWork& work) {
  Flow flow{entries_};
  // TCDM side: each lane takes its words in order, independently of the other one.
  const std::uint32_t asked = lanes_asked_;
  const std::uint32_t served = (asked & granted) | lanes_passing_;
  const bool refused = (asked & ~granted) != 0;
  work.refused |= refused;
  work.moved |= refused;  // it asks again in the next cycle
  step_lane<kToL1, 0>(flow, now, (served & 1) != 0, (asked & 1) != 0, rdata[0], work);
  step_lane<kToL1, 1>(flow, now, (served & 2) != 0, (asked & 2) != 0, rdata[1], work);
  lanes_asked_ = static_cast<std::uint8_t>(asked & ~granted);
  lanes_passing_ = 0;
  step_tcdm_unpacker(flow);
  step_aligner<kToL1>(flow, work);
  if constexpr (kToL1) {
    step_read_bus(flow, now, work);
  } else {
    step_write_bus(flow, now, work);
  }
  if (flow.room(kExtCommand) && (kToL1 || (flow.room(kTcdmCommand) && flow.room(kAlign)))) {
    if (unpacking_) {
      make_piece(flow);
    } else if (flow.any(kRows)) {
      take_row(flow, work);
    }
  }
  if (flow.room(kRows) && (splitting_ || queue_tail_ != queue_head_)) {
    split(flow, now, work);
  }
  entries_ += flow.pushed - flow.popped;
  const bool flowed = (flow.pushed | flow.popped) != 0;
  work.moved |= flowed;
  // Else it stands still, and is not looked at again in the next cycle; or begins a piece.
  if (may_stretch_ && (flowed || refused) && lane_beat_[0] != 0 && lane_beat_[1] != 0 &&
      bus_beat_ != 0) {
    find_stretch<kToL1>();
  }
}

template std::uint32_t MchanLane::ask<true>();
template std::uint32_t MchanLane::ask<false>();
template void MchanLane::step<true>(Cycle::rep, std::uint32_t, const std::uint32_t*, MchanWork&);
template void MchanLane::step<false>(Cycle::rep, std::uint32_t, const std::uint32_t*, MchanWork&);

Cycle::rep MchanLane::timed() const {
  if (to_l1_) {
    return on_bus_ != asked_ && room(kBusBuffer) ? std::max(piece(on_bus_).ready, bus_free_)
                                                 : kNever.raw();
  }
  return waits_for_memory() && released_ != asked_ ? piece(released_).ready : kNever.raw();
}

bool MchanLane::waits_for_memory() const {
  return to_l1_ ? taken_ != issued_
                : !writing_ && any(kExtCommand) && issued_ - released_ >= outstanding_limit_;
}

}  // namespace etude
