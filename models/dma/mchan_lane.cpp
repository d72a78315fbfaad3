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

void MchanLane::reset() { *this = MchanLane(to_l1_, burst_, outstanding_limit_, *axi_); }

void MchanLane::enqueue(const MchanTransfer& transfer, Cycle::rep now) {
  leave_steady();  // the splitter has something to do
  transfers_[queue_head_++ % kTransfers] = {transfer, now};
  ++alive_;
}

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline bool MchanLane::wants() const {
  constexpr Queue kWords = kLane == 0 ? kWord0 : kWord1;
  return any(kLane == 0 ? kBeat0 : kBeat1) &&
         (kToL1 ? any(kWords) : !holding_[kLane] && (!returning_[kLane] || room(kWords)));
}

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline void MchanLane::word(DmaPortRequest& request) const {
  const Piece& p = piece(lane_piece_[kLane]);
  const std::uint32_t address = (p.l1 & ~7u) + 8 * lane_beat_[kLane] + 4 * kLane;
  request = {address, 0, 0xF, kToL1};
  if constexpr (kToL1) {
    const std::uint32_t from = address - p.l1;  // of the word within the piece, modulo 2^32
    if (from >= p.bytes || from + 3 >= p.bytes) [[unlikely]] {
      request.enable = 0;
      for (std::uint32_t i = 0; i < 4; ++i) {
        request.enable |= static_cast<std::uint8_t>(from + i < p.bytes ? 1u << i : 0);
      }
    }
    std::memcpy(&request.wdata,
                buffer(lane_piece_[kLane]) + kMargin + static_cast<std::int32_t>(from), 4);
  }
}

template <bool kToL1>
std::uint32_t MchanLane::ask(DmaPortRequest& lane0, DmaPortRequest& lane1) {
  std::uint8_t asked = 0, passing = 0;
  if (wants<kToL1, 0>()) {
    word<kToL1, 0>(lane0);
    (lane0.enable != 0 ? asked : passing) |= 1;
  }
  if (wants<kToL1, 1>()) {
    word<kToL1, 1>(lane1);
    (lane1.enable != 0 ? asked : passing) |= 2;
  }
  lanes_asked_ = asked;
  lanes_passing_ = passing;
  return asked;
}

[[gnu::always_inline]] inline bool MchanLane::tick() {
  // No field overflows: a queue holds at most two entries, and only what is there is popped.
  const bool moved = (push_ | pop_) != 0;
  entries_ += push_ - pop_;
  push_ = pop_ = 0;
  return moved;
}

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline void MchanLane::step_lane(Cycle::rep now, bool served, bool asked,
                                                        std::uint32_t rdata, MchanWork& work) {
  constexpr Queue kWords = kLane == 0 ? kWord0 : kWord1;
  if constexpr (!kToL1) {
    if (returning_[kLane] || holding_[kLane]) {
      holding_[kLane] = !room(kWords);
      if (!holding_[kLane]) {
        push(kWords);
      }
      returning_[kLane] = false;
      work.moved = true;
    }
  }
  if (!served) {
    return;
  }
  pop(kLane == 0 ? kBeat0 : kBeat1);
  work.data = true;
  counters_.words += asked;
  const Piece& p = piece(lane_piece_[kLane]);
  if constexpr (kToL1) {
    pop(kWords);
  } else {
    const std::uint32_t address = (p.l1 & ~7u) + 8 * lane_beat_[kLane] + 4 * kLane;
    std::memcpy(buffer(lane_piece_[kLane]) + kMargin + static_cast<std::int32_t>(address - p.l1),
                &rdata, 4);
    returning_[kLane] = true;
  }
  if (++lane_beat_[kLane] == p.l1_beats) {
    lane_finished(kLane, now, work);
  }
}

void MchanLane::lane_finished(unsigned lane, Cycle::rep now, MchanWork& work) {
  const unsigned done = lane_piece_[lane]++;
  lane_beat_[lane] = 0;
  if (!to_l1_ || lane_piece_[1 - lane] <= done) {
    return;  // the other lane has words of this piece left
  }
  const Piece& p = piece(done);
  if (p.last) {
    work.finished = p.id;
    work.done = now + 2;  // one cycle in the queue that joins the lanes, one in the counter
    --alive_;
  }
}

[[gnu::always_inline]] inline void MchanLane::step_tcdm_unpacker() {
  if (!room(kBeat0) || !room(kBeat1)) {
    return;
  }
  if (beats_left_ == 0) {
    if (!any(kTcdmCommand)) {
      return;
    }
    pop(kTcdmCommand);
    beats_left_ = piece(unpacked_++).l1_beats;
  }
  --beats_left_;
  push(kBeat0);
  push(kBeat1);
}

void MchanLane::load_aligner() {
  pop(kAlign);
  const Piece& p = piece(aligned_++);
  const std::uint32_t source = (to_l1_ ? p.ext : p.l1) & 7;
  const std::uint32_t target = (to_l1_ ? p.l1 : p.ext) & 7;
  const std::uint32_t last = (p.bytes - 1) & 7;
  const bool source_fits = source + last < 8;
  const bool target_fits = target + last < 8;
  // The second input beat need not be in before the first output leaves.
  skip_second_ = target > source ? source_fits || !target_fits : source_fits && !target_fits;
  inputs_left_ = to_l1_ ? p.ext_beats : p.l1_beats;
  outputs_left_ = to_l1_ ? p.l1_beats : p.ext_beats;
  align_ = Align::kFirst;
}

template <bool kToL1>
[[gnu::always_inline]] inline void MchanLane::input_taken() {
  --inputs_left_;
  if (kToL1) {
    pop(kExtData);
  } else {
    pop(kWord0);
    pop(kWord1);
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
[[gnu::always_inline]] inline void MchanLane::step_aligner(MchanWork& work) {
  const bool input = kToL1 ? any(kExtData) : any(kWord0) && any(kWord1);
  const bool space = kToL1 ? room(kWord0) && room(kWord1) : room(kExtData);
  bool output = false;
  switch (align_) {
    case Align::kIdle:
      if (any(kAlign)) {
        load_aligner();
      }
      return;
    case Align::kFirst:
    case Align::kSecond:
    case Align::kWantData:
      if (input) {
        input_taken<kToL1>();
        work.data = true;
      }
      return;
    case Align::kRun:
      if (input && space) {
        output = true;
        input_taken<kToL1>();
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
        input_taken<kToL1>();
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
    push(kWord0);
    push(kWord1);
  } else {
    push(kExtData);
  }
  if (--outputs_left_ == 0) {
    align_ = Align::kIdle;
    if (any(kAlign)) {
      load_aligner();
    }
  }
}

[[gnu::always_inline]] inline void MchanLane::step_read_bus(Cycle::rep now, MchanWork& work) {
  // The address that was issued in the last cycle is on the bus now.
  if (asked_ != issued_) {
    Piece& p = piece(asked_);
    p.ready = axi_->read(Address{p.ext}, {buffer(asked_) + kMargin, p.bytes}, Cycle{now}).raw();
    ++asked_;
    ++counters_.bursts;
    counters_.bytes += p.bytes;
  }
  if (any(kExtCommand) && outstanding_ < outstanding_limit_) {
    pop(kExtCommand);
    ++issued_;
    ++outstanding_;
  }
  if (any(kBusBuffer) && room(kExtData) && room(kTcdmCommand) && room(kAlign)) {
    pop(kBusBuffer);
    push(kExtData);
    if (taken_beat_ == 0) {
      push(kTcdmCommand);
      push(kAlign);
    }
    if (++taken_beat_ == piece(taken_).ext_beats) {
      taken_beat_ = 0;
      ++taken_;
      --outstanding_;
    }
    work.data = true;
  }
  if (on_bus_ != asked_ && room(kBusBuffer) && now >= std::max(piece(on_bus_).ready, bus_free_)) {
    push(kBusBuffer);
    bus_free_ = now + 1;
    if (++bus_beat_ == piece(on_bus_).ext_beats) {
      bus_beat_ = 0;
      ++on_bus_;
    }
    work.data = true;
  }
}

[[gnu::always_inline]] inline void MchanLane::step_write_bus(Cycle::rep now, MchanWork& work) {
  if (write_due_) {
    Piece& p = piece(asked_);
    const Cycle response = axi_->write(Address{p.ext}, {buffer(asked_) + kMargin, p.bytes}, {},
                                       Cycle{first_w_}, Cycle{now});
    p.ready = response.raw() + 2;
    ++asked_;
    ++counters_.bursts;
    counters_.bytes += p.bytes;
    write_due_ = false;
    if (p.last) {
      work.finished = p.id;
      work.done = p.ready;
      --alive_;
    }
  }
  while (released_ != asked_ && piece(released_).ready <= now) {
    ++released_;
  }
  if (!writing_ && any(kExtCommand) && issued_ - released_ < outstanding_limit_) {
    pop(kExtCommand);
    ++issued_;
    writing_ = true;
  }
  if (writing_ && any(kExtData)) {
    pop(kExtData);
    if (bus_beat_ == 0) {
      first_w_ = now + 1;
    }
    if (++bus_beat_ == piece(issued_ - 1).ext_beats) {
      bus_beat_ = 0;
      writing_ = false;
      write_due_ = true;
    }
    work.data = true;
  }
}

[[gnu::always_inline]] inline void MchanLane::step_unpacker(MchanWork& work) {
  if (!room(kExtCommand) || (!to_l1_ && (!room(kTcdmCommand) || !room(kAlign)))) {
    return;
  }
  if (unpacking_) {
    make_piece();
    return;
  }
  if (!any(kRows)) {
    return;
  }
  pop(kRows);
  row_ = rows_[row_tail_++ % 2];
  unpacking_ = true;
  first_piece_ = true;
  const bool crosses = row_.ext / burst_ != (row_.ext + row_.bytes - 1) / burst_;
  pieces_left_ = 1;
  if (crosses) {
    // The hardware counts bytes minus one: a single byte behind the last full burst stays with it.
    const std::uint32_t rest = row_.bytes - (burst_ - row_.ext % burst_) - 1;
    pieces_left_ += rest / burst_ + (rest % burst_ != 0 ? 1 : 0);
  }
  if (row_.first) {
    work.accepted = row_.core;
  }
}

void MchanLane::make_piece() {
  --pieces_left_;
  std::uint32_t bytes = row_.bytes;
  if (pieces_left_ != 0) {
    bytes = first_piece_ ? burst_ - row_.ext % burst_ : burst_;
  }
  Piece& p = piece(made_++);
  p.l1 = row_.l1;
  p.ext = row_.ext;
  p.bytes = bytes;
  p.ext_beats = static_cast<std::uint16_t>(((row_.ext & 7) + bytes + 7) / 8);
  p.l1_beats = static_cast<std::uint16_t>(((row_.l1 & 7) + bytes + 7) / 8);
  p.id = row_.id;
  p.last = row_.last && pieces_left_ == 0;
  p.ready = 0;
  row_.l1 += bytes;
  row_.ext += row_.increment ? bytes : 0;
  row_.bytes -= bytes;
  first_piece_ = false;
  unpacking_ = pieces_left_ != 0;
  push(kExtCommand);
  if (!to_l1_) {
    push(kTcdmCommand);
    push(kAlign);
  }
}

[[gnu::always_inline]] inline void MchanLane::step_splitter(Cycle::rep now, MchanWork& work) {
  if (!room(kRows)) {
    return;
  }
  if (!splitting_) {
    if (queue_tail_ == queue_head_ || transfers_[queue_tail_ % kTransfers].since >= now) {
      return;
    }
    split_ = transfers_[queue_tail_++ % kTransfers].transfer;
    splitting_ = true;
    first_row_ = true;
    left_ = split_.bytes;
    ext_left_ = split_.ext_2d ? std::min(split_.ext_count, left_) : left_;
    l1_left_ = split_.l1_2d ? std::min(split_.l1_count, left_) : left_;
    ext_base_ = split_.ext;
    l1_base_ = split_.l1;
    work.moved = true;
    return;
  }
  const std::uint32_t bytes = std::min({left_, ext_left_, l1_left_});
  left_ -= bytes;
  rows_[row_head_++ % 2] = {split_.l1,   split_.ext, bytes,      split_.id,
                            split_.core, first_row_, left_ == 0, split_.increment};
  first_row_ = false;
  push(kRows);
  if (ext_left_ > bytes) {
    ext_left_ -= bytes;
    split_.ext += bytes;
  } else {
    ext_left_ = split_.ext_count;
    ext_base_ += split_.ext_stride;
    split_.ext = ext_base_;
  }
  if (l1_left_ > bytes) {
    l1_left_ -= bytes;
    split_.l1 += bytes;
  } else {
    l1_left_ = split_.l1_count;
    l1_base_ += split_.l1_stride;
    split_.l1 = l1_base_;
  }
  splitting_ = left_ != 0;
}

// A cycle like the one before: both words are granted, every stage hands on a beat.
template <bool kToL1>
[[gnu::always_inline]] inline bool MchanLane::step_steadily(std::uint32_t granted,
                                                            const std::uint32_t* rdata) {
  if ((lanes_asked_ & granted) != 3) {
    return false;
  }
  if constexpr (!kToL1) {
    for (unsigned lane = 0; lane < 2; ++lane) {
      const Piece& p = piece(lane_piece_[lane]);
      const std::uint32_t address = (p.l1 & ~7u) + 8 * lane_beat_[lane] + 4 * lane;
      std::memcpy(buffer(lane_piece_[lane]) + kMargin + static_cast<std::int32_t>(address - p.l1),
                  &rdata[lane], 4);
    }
  }
  ++lane_beat_[0];
  ++lane_beat_[1];
  lanes_asked_ = 0;
  --steady_left_;
  ++steady_done_;
  return true;
}

// Brings the counters of the stages up to date.
void MchanLane::leave_steady() {
  const unsigned cycles = steady_done_;
  steady_left_ = steady_done_ = 0;
  beats_left_ -= cycles;
  inputs_left_ -= cycles;
  outputs_left_ -= cycles;
  bus_beat_ += cycles;
  counters_.words += 2 * cycles;
  if (to_l1_) {
    taken_beat_ += cycles;
    bus_free_ += cycles;
  }
}

// Behind a cycle, before tick(): how many cycles will be like it. The queues that took and gave a
// beat are those between the stages and no other one, so that nothing begins or ends; the counters
// tell when something will. The last beat of a piece, whose words may be cut, is none of them.
template <bool kToL1>
[[gnu::always_inline]] inline void MchanLane::find_steady() {
  constexpr std::uint64_t kStages =
      kToL1 ? one_each({kBusBuffer, kExtData, kBeat0, kBeat1, kWord0, kWord1})
            : one_each({kExtData, kBeat0, kBeat1, kWord0, kWord1});
  if (push_ != kStages || pop_ != kStages || align_ != Align::kRun) {
    return;
  }
  const bool splitter_waits = !room(kRows) || (!splitting_ && queue_tail_ == queue_head_);
  if (!splitter_waits || lane_beat_[0] == 0 || lane_beat_[1] == 0 || bus_beat_ == 0 ||
      (kToL1 ? taken_beat_ == 0 : !writing_ || write_due_)) {
    return;
  }
  unsigned cycles = std::min({piece(lane_piece_[0]).l1_beats - lane_beat_[0] - 1,
                              piece(lane_piece_[1]).l1_beats - lane_beat_[1] - 1, beats_left_,
                              inputs_left_ - 1, outputs_left_ - 1});
  if constexpr (kToL1) {
    cycles = std::min({cycles, piece(taken_).ext_beats - taken_beat_ - 1,
                       piece(on_bus_).ext_beats - bus_beat_ - 1});
  } else {
    cycles = std::min(cycles, piece(issued_ - 1).ext_beats - bus_beat_ - 1);
  }
  steady_left_ = cycles;
}

template <bool kToL1>
MchanWork MchanLane::step(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata) {
  MchanWork work;
  if (steady_left_ != 0 && step_steadily<kToL1>(granted, rdata)) {
    work.moved = work.data = true;
    return work;
  }
  if (steady_done_ != 0 || steady_left_ != 0) {
    leave_steady();
  }
  // TCDM side: each lane takes its words in order, independently of the other one.
  const std::uint32_t asked = lanes_asked_;
  const std::uint32_t served = (asked & granted) | lanes_passing_;
  work.refused = work.moved = (asked & ~granted) != 0;  // it asks again in the next cycle
  step_lane<kToL1, 0>(now, (served & 1) != 0, (asked & 1) != 0, rdata[0], work);
  step_lane<kToL1, 1>(now, (served & 2) != 0, (asked & 2) != 0, rdata[1], work);
  lanes_asked_ = lanes_passing_ = 0;
  step_tcdm_unpacker();
  step_aligner<kToL1>(work);
  if constexpr (kToL1) {
    step_read_bus(now, work);
  } else {
    step_write_bus(now, work);
  }
  step_unpacker(work);
  step_splitter(now, work);
  find_steady<kToL1>();
  work.moved = tick() || work.moved;
  return work;
}

template std::uint32_t MchanLane::ask<true>(DmaPortRequest&, DmaPortRequest&);
template std::uint32_t MchanLane::ask<false>(DmaPortRequest&, DmaPortRequest&);
template MchanWork MchanLane::step<true>(Cycle::rep, std::uint32_t, const std::uint32_t*);
template MchanWork MchanLane::step<false>(Cycle::rep, std::uint32_t, const std::uint32_t*);

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
