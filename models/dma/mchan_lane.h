// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "models/base/axi_port.h"
#include "models/dma/cluster_dma.h"
#include "models/dma/mchan_automaton.h"

namespace etude {

/// A transfer as a core programmed it.
struct MchanTransfer {
  std::uint32_t bytes = 0;  ///< all rows together
  std::uint32_t l1 = 0;
  std::uint32_t ext = 0;
  bool to_l1 = false;
  bool increment = true;
  bool event = false;
  bool broadcast = false;
  bool ext_2d = false;
  bool l1_2d = false;
  std::uint32_t ext_count = 0;   ///< bytes of a row on the external side
  std::uint32_t ext_stride = 0;  ///< bytes from row to row
  std::uint32_t l1_count = 0;
  std::uint32_t l1_stride = 0;
  std::uint8_t core = 0;
  std::uint8_t id = 0;
  Cycle::rep launched = 0;  ///< the last programming access was granted
};

/// What the two directions did in a cycle, for the books.
struct MchanWork {
  /// A transfer's completion is known.
  struct Finished {
    std::uint8_t id;
    Cycle::rep done;  ///< the cycle in which it is complete
  };
  bool moved = false;          ///< something changed: the next cycle must be looked at too
  bool data = false;           ///< a word or beat of data advanced
  bool refused = false;        ///< a TCDM request was refused
  std::uint8_t finishing = 0;  ///< how many of `finished`: a lane finishes one at most
  std::uint32_t accepted = 0;  ///< cores whose transfer began to be unpacked: they wait for it
  std::array<Finished, 2> finished;

  void finish(std::uint8_t id, Cycle::rep done) { finished[finishing++] = {id, done}; }
};

/// One direction of MCHAN, from the transfer queue to the memories: 2-D splitter, unpacker into
/// bursts, AXI side, aligner, TCDM side. All queues in between hold two entries; a queue that is
/// full at the start of a cycle takes nothing in it, and what is pushed is seen one cycle later.
/// Only occupancies travel through the queues; the bytes stay in the burst's buffer.
class MchanLane {
 public:
  struct Counters {
    std::uint64_t bytes = 0;
    std::uint64_t bursts = 0;
    std::uint64_t words = 0;  ///< TCDM accesses
  };

  MchanLane(bool to_l1, unsigned burst, unsigned outstanding, AxiPort& axi);

  void reset();
  /// Appends a transfer that the splitter sees from the next cycle on.
  void enqueue(const MchanTransfer& transfer, Cycle::rep now);
  /// Transfers that still stand in the queue (for the shared limit).
  unsigned queued() const { return queue_head_ - queue_tail_; }
  bool idle() const { return alive_ == 0; }
  /// A word of one lane, wanted until it is granted.
  struct Word {
    std::uint32_t address = 0;     ///< of the aligned word
    std::uint8_t* data = nullptr;  ///< where its bytes come from or go to, in the burst's buffer
    std::uint8_t enable = 0xF;     ///< bytes that are written
  };
  /// The lanes whose word is wanted in this cycle; commit() of the same cycle must follow. What is
  /// not granted is wanted in the next cycle too, unchanged.
  std::uint32_t ask() {
    if (alive_ == 0) {
      return 0;
    }
    if (stretch_left_ != 0) {
      return lanes_asked_ = state_->asks;
    }
    return to_l1_ ? ask<true>() : ask<false>();
  }
  /// The word that `lane` wants.
  const Word& word(unsigned lane) const { return word_[lane]; }
  /// The same with what is written, as commands to a memory.
  std::uint32_t requests(DmaPortRequest& lane0, DmaPortRequest& lane1);
  /// Ends the cycle: `granted` has one bit per lane, the words of granted reads follow; adds to
  /// `work` what was done.
  void commit(Cycle::rep now, std::uint32_t granted, const std::uint32_t* words, MchanWork& work) {
    if (alive_ == 0) {
      return;
    }
    if (hands_on(granted)) {
      hand_on(granted, words, work);
    } else if (stretch_left_ != 0) {
      learn(now, granted, words, work);
    } else if (to_l1_) {
      step<true>(now, granted, words, work);
    } else {
      step<false>(now, granted, words, work);
    }
  }
  /// The lane is in the middle of its pieces, and what it does with this grant is known.
  bool hands_on(std::uint32_t granted) const {
    return stretch_left_ != 0 && state_->edges[granted].next != nullptr;
  }
  /// commit() of such a lane.
  void hand_on(std::uint32_t granted, const std::uint32_t* words, MchanWork& work) {
    const MchanAutomaton::State& state = *state_;
    const MchanAutomaton::Edge& edge = state.edges[granted];
    for (unsigned lane = 0; lane < 2; ++lane) {
      if ((granted >> lane & 1) != 0) {
        Word& word = word_[lane];
        if (!to_l1_) {
          std::memcpy(word.data, &words[lane], 4);
        }
        word.address += 8;
        word.data += 8;
      }
    }
    lanes_asked_ = static_cast<std::uint8_t>(state.asks & ~granted);
    work.moved = true;
    work.data |= edge.data;
    work.refused |= lanes_asked_ != 0;
    stretch_done_ += edge.beats;
    state_ = edge.next;
    if (--stretch_left_ == 0) {
      renew_stretch();
    }
  }
  /// Up to `cycles` such cycles in which all that is wanted is granted and data advance: of each
  /// word touch(lane, word) is called, which moves it. Returns how many were taken.
  template <class Touch>
  unsigned run_on(std::uint64_t cycles, const Touch& touch) {
    const auto most = static_cast<unsigned>(std::min<std::uint64_t>(cycles, stretch_left_));
    const MchanAutomaton::State* state = state_;
    std::uint64_t beats = 0;
    unsigned taken = 0;
    for (; taken < most; ++taken) {
      const MchanAutomaton::Edge& edge = state->edges[state->asks];
      if (edge.next == nullptr || !edge.data) {
        break;
      }
      for (unsigned lane = 0; lane < 2; ++lane) {
        if ((state->asks >> lane & 1) != 0) {
          Word& word = word_[lane];
          touch(lane, word);
          word.address += 8;
          word.data += 8;
        }
      }
      beats += edge.beats;
      state = edge.next;
    }
    if (taken != 0) {
      lanes_asked_ = 0;
      stretch_done_ += beats;
      state_ = state;
      stretch_left_ -= taken;
      if (stretch_left_ == 0) {
        renew_stretch();
      }
    }
    return taken;
  }
  /// For tests: every cycle is stepped.
  void use_automaton(bool on) { uses_automaton_ = on; }
  /// Earliest cycle in which a waiting memory answers; kNever if none does.
  Cycle::rep timed() const;
  /// True while the external memory owes beats, or a response that the next burst needs.
  bool waits_for_memory() const;
  Counters counters() const {
    Counters now = counters_;
    now.words += MchanAutomaton::count(stretch_done_, MchanAutomaton::kLane0) +
                 MchanAutomaton::count(stretch_done_, MchanAutomaton::kLane1);
    return now;
  }

 private:
  enum Queue : std::uint8_t {
    kRows,
    kExtCommand,
    kBusBuffer,  // R channel register slice
    kExtData,    // between AXI side and aligner
    kAlign,      // commands of the aligner
    kTcdmCommand,
    kBeat0,
    kBeat1,
    kWord0,  // between aligner and TCDM side, one per lane
    kWord1
  };
  enum class Align : std::uint8_t { kIdle, kFirst, kSecond, kRun, kWantData, kWantSpace, kDrain };

  struct Piece {
    std::uint32_t l1;
    std::uint32_t ext;
    std::uint32_t bytes;
    std::uint16_t ext_beats;
    std::uint16_t l1_beats;
    std::uint8_t id;
    bool last;         // of its transfer
    Cycle::rep ready;  // to L1: cycle of the first beat; from L1: release of the burst slot
  };
  struct Row {
    std::uint32_t l1;
    std::uint32_t ext;
    std::uint32_t bytes;
    std::uint8_t id;
    std::uint8_t core;
    bool first;
    bool last;
    bool increment;
  };
  static constexpr unsigned kRing = 32;       // pieces alive at once are fewer
  static constexpr unsigned kTransfers = 32;  // at least the shared queue's depth
  static constexpr unsigned kMargin = 8;      // of a piece's buffer, on both sides

  // Four bits of one word per queue, so that all are updated by one addition. No field overflows: a
  // queue holds at most two entries, and only what is there is popped.
  static constexpr std::uint64_t one(Queue q) { return std::uint64_t{1} << 4 * q; }
  /// What a cycle does to the queues, as they were at its start.
  struct Flow {
    const std::uint64_t entries;
    std::uint64_t pushed = 0;
    std::uint64_t popped = 0;

    bool any(Queue q) const { return (entries & 3 * one(q)) != 0; }
    bool room(Queue q) const { return (entries & 2 * one(q)) == 0; }
    void push(Queue q) { pushed |= one(q); }
    void pop(Queue q) { popped |= one(q); }
  };
  bool any(Queue q) const { return Flow{entries_}.any(q); }
  bool room(Queue q) const { return Flow{entries_}.room(q); }
  Piece& piece(unsigned n) { return pieces_[n % kRing]; }
  const Piece& piece(unsigned n) const { return pieces_[n % kRing]; }
  std::uint8_t* buffer(unsigned n) { return &buffers_[(n % kRing) * buffer_bytes_]; }
  const std::uint8_t* buffer(unsigned n) const { return &buffers_[(n % kRing) * buffer_bytes_]; }

  // Whatever keeps a stretch away ends only with the beginning or end of a piece, a burst or a row
  // in some stage, each of which says so here.
  void begun_or_ended() { may_stretch_ = true; }

  // One direction each, so that a cycle of a lane is one function of the host.
  template <bool kToL1>
  std::uint32_t ask();
  template <bool kToL1>
  void step(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata, MchanWork& work);
  template <bool kToL1, unsigned kLane>
  bool wants(const Flow& flow) const;
  template <bool kToL1, unsigned kLane>
  void find_word();
  void begin_piece(unsigned lane);
  template <bool kToL1, unsigned kLane>
  void step_lane(Flow& flow, Cycle::rep now, bool served, bool asked, std::uint32_t rdata,
                 MchanWork& work);
  template <bool kToL1>
  void find_stretch();
  void renew_stretch();
  void leave_stretch();
  std::uint64_t stretch_key() const;
  void learn(Cycle::rep now, std::uint32_t granted, const std::uint32_t* words, MchanWork& work);
  template <bool kToL1>
  std::uint32_t wanted() const;
  void lane_finished(unsigned lane, Cycle::rep now, MchanWork& work);
  void step_tcdm_unpacker(Flow& flow);
  template <bool kToL1>
  void step_aligner(Flow& flow, MchanWork& work);
  template <bool kToL1>
  void input_taken(Flow& flow);
  void load_aligner(Flow& flow);
  void step_read_bus(Flow& flow, Cycle::rep now, MchanWork& work);
  void step_write_bus(Flow& flow, Cycle::rep now, MchanWork& work);
  // mchan_lane_rows.cpp: once a burst or a row.
  void read_burst(Cycle::rep now);
  void write_burst(Cycle::rep now, MchanWork& work);
  void take_row(Flow& flow, MchanWork& work);
  void make_piece(Flow& flow);
  void split(Flow& flow, Cycle::rep now, MchanWork& work);
  // Fields of a stretch's key, above the queues.
  static constexpr unsigned kAlignBits = 40, kAskedBits = 43, kReturningBits = 45,
                            kHoldingBits = 47;
  static constexpr std::uint64_t kAllQueues = (std::uint64_t{1} << kAlignBits) - 1;
  static constexpr unsigned kLongestStretch = 200;  // eight bits count its beats
  static constexpr unsigned kWorthStretching = 3;

  bool to_l1_;
  unsigned burst_;
  unsigned outstanding_limit_;
  AxiPort* axi_;

  std::uint64_t entries_ = 0;  // of each queue, at the start of the cycle
  unsigned alive_ = 0;         // transfers not complete yet

  // Queue of transfers and the splitter.
  struct Queued {
    MchanTransfer transfer;
    Cycle::rep since;
  };
  std::array<Queued, kTransfers> transfers_{};
  unsigned queue_head_ = 0;
  unsigned queue_tail_ = 0;
  bool splitting_ = false;
  bool first_row_ = false;
  MchanTransfer split_{};
  std::uint32_t left_ = 0;  // bytes of the transfer
  std::uint32_t ext_left_ = 0;
  std::uint32_t l1_left_ = 0;  // bytes until the row of that side ends
  std::uint32_t ext_base_ = 0;
  std::uint32_t l1_base_ = 0;
  std::array<Row, 2> rows_{};
  unsigned row_head_ = 0;
  unsigned row_tail_ = 0;

  // Unpacker.
  bool unpacking_ = false;
  Row row_{};
  unsigned pieces_left_ = 0;
  bool first_piece_ = false;

  // Pieces, by number; each stage works on its own.
  std::vector<Piece> pieces_;
  std::vector<std::uint8_t> buffers_;
  unsigned buffer_bytes_;
  unsigned made_ = 0;    // by the unpacker
  unsigned issued_ = 0;  // address sent
  unsigned asked_ = 0;   // to L1: read called; from L1: write called
  unsigned on_bus_ = 0;  // beats crossing the AXI bus
  unsigned bus_beat_ = 0;
  unsigned taken_ = 0;  // to L1: beats leaving the bus buffer
  unsigned taken_beat_ = 0;
  unsigned released_ = 0;  // burst slot free again
  unsigned outstanding_ = 0;
  Cycle::rep bus_free_ = 0;
  bool writing_ = false;
  bool write_due_ = false;  // the last beat of a burst left in the last cycle
  Cycle::rep first_w_ = 0;

  // Aligner.
  Align align_ = Align::kIdle;
  unsigned aligned_ = 0;  // piece it works on
  unsigned inputs_left_ = 0;
  unsigned outputs_left_ = 0;
  bool skip_second_ = false;

  // TCDM side.
  unsigned unpacked_ = 0;  // piece whose beats are generated
  unsigned beats_left_ = 0;
  std::array<unsigned, 2> lane_piece_{};
  std::array<unsigned, 2> lane_beat_{};
  std::array<unsigned, 2> lane_beats_{};  // of the piece, once its first word was asked for
  std::array<Word, 2> word_{};
  std::uint8_t lanes_asked_ = 0;  // lanes whose request is up
  std::uint8_t lanes_passing_ =
      0;  // lanes whose word has no enabled byte: it passes without an access
  std::array<bool, 2> returning_{};  // from L1: the word read in the last cycle arrives
  std::array<bool, 2> holding_{};    // ... and waits for room

  // In the middle of its pieces a lane goes along the automaton: the queues are in the state, and
  // the counters of the stages are left as they were, for so many cycles that none of them can come
  // to an end.
  MchanAutomaton automaton_;
  bool uses_automaton_ = true;
  const MchanAutomaton::State* state_ = nullptr;
  unsigned stretch_left_ = 0;
  std::uint64_t stretch_done_ = 0;  // beats that the stages' counters do not know of yet
  bool may_stretch_ = true;  // some piece, burst or row began or ended since none could be found

  Counters counters_;
};

template <bool kToL1, unsigned kLane>
[[gnu::always_inline]] inline bool MchanLane::wants(const Flow& flow) const {
  constexpr Queue kWords = kLane == 0 ? kWord0 : kWord1;
  return flow.any(kLane == 0 ? kBeat0 : kBeat1) &&
         (kToL1 ? flow.any(kWords) : !holding_[kLane] && (!returning_[kLane] || flow.room(kWords)));
}

}  // namespace etude
