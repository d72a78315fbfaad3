// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/base/axi_port.h"
#include "models/dma/cluster_dma.h"

namespace etude {

/// A transfer as a core programmed it: `rows` rows of `bytes` bytes.
struct IdmaTransfer {
  std::uint32_t source = 0;
  std::uint32_t target = 0;
  std::uint32_t bytes = 0;
  std::uint32_t source_stride = 0;
  std::uint32_t target_stride = 0;
  std::uint32_t rows = 1;
  std::uint32_t id = 0;
  std::uint8_t core = 0;
  Cycle::rep launched = 0;
};

/// What the back end did in a cycle, for the books.
struct IdmaWork {
  bool moved = false;     ///< something changed: the next cycle must be looked at too
  bool data = false;      ///< a beat or word of data advanced
  bool refused = false;   ///< a TCDM request was refused
  bool complete = false;  ///< the oldest transfer is complete in this cycle
};

/// The iDMA engine behind its front end: row generator, legaliser into bursts, read and write
/// machines around byte lanes, and the demultiplexer that leads each side to the external memory or
/// to the TCDM. Queues that are full at the start of a cycle take nothing in it, and what is pushed
/// is seen one cycle later, except for the two fall-through registers in front of the
/// demultiplexer. Only occupancies travel; the bytes stay in the burst's buffer.
class IdmaBackend {
 public:
  struct Counters {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t bursts_read = 0;
    std::uint64_t bursts_write = 0;
    std::uint64_t tcdm_reads = 0;
    std::uint64_t tcdm_writes = 0;
  };

  explicit IdmaBackend(AxiPort& axi);

  void reset();
  /// Appends a transfer that the row generator sees from the next cycle on.
  void enqueue(const IdmaTransfer& transfer, Cycle::rep now);
  /// Transfers whose last row has not been taken yet.
  unsigned queued() const { return queue_head_ - queue_tail_; }
  /// The oldest transfer that is not complete.
  const IdmaTransfer& oldest() const { return transfers_[oldest_ % kTransfers].transfer; }
  void retire() { ++oldest_; }
  bool idle() const { return oldest_ == queue_head_; }
  /// Ports 0, 1: writes; 2, 3: reads.
  std::uint32_t requests(Cycle::rep now, ClusterDma::Requests& out) const;
  IdmaWork commit(Cycle::rep now, std::uint32_t granted,
                  const std::array<std::uint32_t, ClusterDma::kPorts>& rdata);
  /// Earliest cycle in which a waiting memory answers; kNever if none does.
  Cycle::rep timed() const;
  /// True while the external memory owes beats or a response.
  bool waits_for_memory() const;
  const Counters& counters() const { return counters_; }
  /// Whether an address is the TCDM's, by its own name or its alias; all others go out.
  static bool in_l1(std::uint32_t address);

 private:
  enum Queue : std::uint8_t {
    kReadJobs,   // bursts whose last beat the read machine has not taken
    kWriteJobs,  // bursts whose last beat the write machine has not sent
    kOpen,       // bursts without response
    kAwStore,    // write addresses kept back until the first beat of their data is there
    kArHeld,     // fall-through register
    kArIn,       // at the demultiplexer
    kArOut,      // at the port
    kAwHeld,
    kAwIn,
    kAwOut,
    kWIn,
    kWOut,
    kRPort,
    kRIn,  // at the read machine
    kQueues
  };
  struct Piece {
    std::uint32_t source;
    std::uint32_t target;
    std::uint32_t bytes;
    std::uint32_t row_offset;  // of its first byte within the row
    std::uint16_t source_beats;
    std::uint16_t target_beats;
    bool source_l1;
    bool target_l1;
    bool last;          // of its transfer
    Cycle::rep ready;   // first beat from the external memory
    Cycle::rep answer;  // response at the port
  };
  // One side of the TCDM: the words of the beat at hand.
  struct TcdmBeat {
    bool active = false;       // words of this beat have been asked for
    std::uint8_t pending = 0;  // ... and not been granted
    bool split = false;        // granted in different cycles
    Cycle::rep next = 0;       // next cycle in which a beat can begin
  };
  struct Queued {
    IdmaTransfer transfer;
    Cycle::rep since;
  };
  static constexpr unsigned kRing = 16;  // at least the open bursts, and the one being made
  static constexpr unsigned kTransfers = 64;
  static constexpr unsigned kPage = 2048;
  static constexpr unsigned kMargin = 8;
  static constexpr unsigned kBufferBytes = kPage + 2 * kMargin + 8;

  // Four bits of one word per queue, so that all are updated by one addition.
  bool any(Queue q) const { return (entries_ >> 4 * q & 0xF) != 0; }
  bool room(Queue q) const { return (entries_ >> 4 * q & 0xF) < kDepth[q]; }
  void push(Queue q) { push_ |= std::uint64_t{1} << 4 * q; }
  void pop(Queue q) { pop_ |= std::uint64_t{1} << 4 * q; }
  bool popped(Queue q) const { return (pop_ >> 4 * q & 1) != 0; }
  Piece& piece(unsigned n) { return pieces_[n % kRing]; }
  const Piece& piece(unsigned n) const { return pieces_[n % kRing]; }
  std::uint8_t* buffer(unsigned n) { return &buffers_[(n % kRing) * kBufferBytes + kMargin]; }
  const std::uint8_t* buffer(unsigned n) const {
    return &buffers_[(n % kRing) * kBufferBytes + kMargin];
  }
  static std::uint64_t lanes(std::uint32_t address, std::uint32_t bytes, std::uint32_t row_offset,
                             unsigned beat);

  bool begins_tcdm_read(Cycle::rep now) const;
  bool begins_tcdm_write(Cycle::rep now) const;
  static std::uint8_t word_enable(const Piece& p, std::uint32_t address);
  std::uint8_t words_of_write() const;
  void step_response(Cycle::rep now, IdmaWork& work);
  void step_write_port(Cycle::rep now, std::uint32_t granted, IdmaWork& work);
  void send_external(Cycle::rep now, IdmaWork& work);
  void step_write_demux();
  void step_write_machine(IdmaWork& work);
  void step_read_machine(IdmaWork& work);
  void step_read_demux();
  void step_read_port(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata,
                      IdmaWork& work);
  void step_external_read(Cycle::rep now, IdmaWork& work);
  void step_address_demux();
  void step_aw_store();
  void step_legaliser(Cycle::rep now, IdmaWork& work);
  void make_piece();
  bool load_row(Cycle::rep now);
  bool tick();

  static constexpr std::array<std::uint8_t, kQueues> kDepth{8, 8, 11, 8, 1, 2, 2,
                                                            1, 2, 2,  2, 2, 2, 2};
  AxiPort* axi_;
  std::uint64_t entries_ = 0;  // of each queue, at the start of the cycle
  std::uint64_t push_ = 0;     // in this cycle
  std::uint64_t pop_ = 0;

  std::array<Queued, kTransfers> transfers_{};
  unsigned queue_head_ = 0;
  unsigned queue_tail_ = 0;
  unsigned oldest_ = 0;
  std::uint32_t row_ = 0;  // of the transfer at the queue's end

  // Legaliser: the row at hand.
  bool legal_ = false;
  std::uint32_t source_ = 0;
  std::uint32_t target_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t row_offset_ = 0;
  bool last_row_ = false;

  // Bursts, by number; each stage works on its own.
  std::vector<Piece> pieces_;
  std::vector<std::uint8_t> buffers_;
  unsigned made_ = 0;
  unsigned ar_passed_ = 0;   // read addresses through the demultiplexer
  unsigned ar_at_port_ = 0;  // ... taken by the memory
  unsigned on_port_ = 0;     // beats arriving from the memory
  unsigned port_beat_ = 0;
  unsigned r_passed_ = 0;  // beats through the demultiplexer
  unsigned r_passed_beat_ = 0;
  unsigned reading_ = 0;  // beats into the lanes
  unsigned reading_beat_ = 0;
  unsigned aw_credits_ = 0;
  bool first_beat_ = false;  // the read machine took the first beat of a burst
  unsigned aw_passed_ = 0;
  unsigned aw_at_port_ = 0;
  unsigned writing_ = 0;  // beats out of the lanes
  unsigned writing_beat_ = 0;
  unsigned w_passed_ = 0;
  unsigned w_passed_beat_ = 0;
  unsigned w_port_ = 0;  // beats into the memory
  unsigned w_port_beat_ = 0;
  unsigned answered_ = 0;  // responses through the demultiplexer
  unsigned retired_ = 0;
  unsigned reads_open_ = 0;  // at the demultiplexer, at most 7
  unsigned writes_open_ = 0;
  int reads_change_ = 0;  // of reads_open_, in this cycle
  int writes_change_ = 0;
  Cycle::rep r_free_ = 0;  // external R channel
  Cycle::rep b_free_ = 0;  // responses come one per cycle
  Cycle::rep first_w_ = 0;
  std::uint64_t lanes_now_ = 0;  // bytes in each lane, one per byte of this word
  std::uint64_t lanes_push_ = 0;
  std::uint64_t lanes_pop_ = 0;

  TcdmBeat read_beat_;
  TcdmBeat write_beat_;
  bool response_held_ = false;  // a TCDM read beat waits for room
  Cycle::rep response_at_ = 0;  // cycle in which the data of the last TCDM read beat come
  bool response_due_ = false;

  Counters counters_;
};

}  // namespace etude
