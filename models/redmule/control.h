// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/redmule/plan.h"

namespace etude {

/// The four operand streams that share RedMulE's one memory port.
enum class RedmuleStream : std::uint8_t { kX, kW, kY, kZ, kNone };

/// One load stream: address generator -> address FIFO (2) -> request FIFO (4) -> port ->
/// response FIFO (4) -> buffer FIFO (4). Order never changes, so that only fill levels are state.
struct RedmuleLoadStream {
  bool operator==(const RedmuleLoadStream&) const = default;
  enum Phase : std::uint8_t { kIdle, kWorking, kDraining };
  Phase phase = kIdle;
  bool address_valid = false;
  bool response = false;  ///< data of a beat granted in the last cycle arrives now
  bool held = false;      ///< a response that found its FIFO full
  std::uint8_t addresses = 0, requests = 0, responses = 0, buffered = 0;
  std::uint64_t generated = 0;    ///< addresses generated of the current burst
  std::uint64_t transferred = 0;  ///< beats of the current burst handed to the buffer FIFO

  bool wants_port() const {
    return requests > 0 && responses < 4 && !(responses == 1 && response && buffered == 4);
  }
  /// One clock edge; returns true in the cycle in which the burst ends.
  bool clock(bool start, std::uint64_t length, bool pop, bool granted);
};

/// The store stream: Z FIFO (2) -> sink with its address FIFO (2) -> request FIFO (2) -> port.
struct RedmuleStoreStream {
  bool operator==(const RedmuleStoreStream&) const = default;
  enum Phase : std::uint8_t { kIdle, kWorking, kDraining };
  Phase phase = kIdle;
  bool address_valid = false;
  bool done = false;  ///< one cycle after the last beat has entered the request FIFO
  std::uint8_t addresses = 0, buffered = 0, requests = 0;
  std::uint64_t generated = 0, accepted = 0;

  bool wants_port() const { return requests > 0; }
  void clock(bool start, std::uint64_t length, bool push, bool granted);
};

/// Two multiplexers in a row: Y against Z, then X, W and the winner, round robin. The pointer
/// advances by one at each grant, whoever won.
struct RedmulePortMux {
  bool operator==(const RedmulePortMux&) const = default;
  std::uint8_t yz_pointer = 0, yz_last = 0, pointer = 0, last = 0;
  bool yz_granted = false, yz_any = false, granted = false, any = false;

  struct Choice {
    RedmuleStream stream = RedmuleStream::kNone;
    std::uint8_t yz = 0, winner = 0;
    bool yz_any = false, any = false;
  };
  Choice choose(bool x, bool w, bool y, bool z, bool forced) const;
  void clock(const Choice& choice, bool grant);
};

/// X pad (L x D) and X buffer (2 H columns): when a column may be written, and when the pad is
/// empty and full.
struct RedmuleXBuffer {
  bool operator==(const RedmuleXBuffer&) const = default;
  enum State : std::uint8_t { kPreload, kFastFill, kWaitFirstRead, kWaitShift, kFill, kPadEmpty };
  State state = kPreload;
  bool first_block = false, refilling = true;
  std::uint16_t rows = 0;        ///< rows in the pad
  std::uint16_t read_index = 0;  ///< column of the buffer that is read next, modulo H
  std::uint16_t pad_column = 0, pad_reads = 0, to_write = 0;
};

/// The single Y/Z buffer.
struct RedmuleZBuffer {
  bool operator==(const RedmuleZBuffer&) const = default;
  enum State : std::uint8_t { kEmpty, kLoaded, kPushed };
  State state = kEmpty;
  std::uint16_t fill = 0, pushed = 0, stored = 0, loaded_rows = 0;
};

/// The scheduler's counters and flags.
struct RedmuleScheduler {
  bool operator==(const RedmuleScheduler&) const = default;
  enum State : std::uint8_t { kIdle, kPreload, kLoadW, kWait };
  State state = kIdle;
  bool x_done = false, x_reload = false, x_emptied = false, x_refill = false, w_done = false;
  bool z_wait = false, z_avail = false, y_push = false;
  bool first_load = true, computing = false, engine_enabled = false;
  std::uint16_t x_shift = 0, z_wait_count = 0, z_avail_count = 0, y_push_count = 0, waits = 0;
  std::uint16_t z_height = 0, z_width = 0;
  std::uint32_t x_column = 0, x_tile = 0, x_row = 0;
  std::uint32_t w_row = 0, w_column = 0, w_matrix = 0;
  std::uint32_t y_column = 0, y_row = 0;
};

/// The X stream is restarted for every block by the memory scheduler.
struct RedmuleMemoryScheduler {
  bool operator==(const RedmuleMemoryScheduler&) const = default;
  std::uint64_t blocks_read = 0;
  std::uint32_t block = 0, column = 0, row = 0;
};

/// What a cycle of a job was spent on: the array advanced, or the one reason why it did not.
enum class RedmuleCycle : std::uint8_t { kBusy, kStart, kX, kW, kYZ, kDrain };

/// The control half of RedMulE: everything that decides in which cycle which beat moves, and no
/// data. Plain state, copied freely.
class RedmuleControl {
 public:
  enum class Phase : std::uint8_t { kIdle, kStarting, kComputing, kFinished };

  /// What one cycle did.
  struct Outcome {
    RedmuleCycle cycle = RedmuleCycle::kStart;
    bool tile_filled = false;  ///< the last column of a tile has entered the Z buffer
    bool finished = false;     ///< the done pulse leaves at the end of this cycle
  };

  /// Takes a job over; its first cycle is the next one.
  void start(const RedmulePlan& plan);
  Phase phase() const { return phase_; }
  /// The stream that asks for the port in this cycle.
  RedmuleStream request() const;
  /// The clock edge that ends this cycle.
  Outcome clock(bool granted);
  const RedmulePlan& plan() const { return plan_; }
  bool operator==(const RedmuleControl&) const = default;

 private:
  RedmulePortMux::Choice choose() const;
  RedmulePlan plan_;
  Phase phase_ = Phase::kIdle;
  RedmuleLoadStream xs_, ws_, ys_;
  RedmuleStoreStream zs_;
  RedmulePortMux mux_;
  RedmuleXBuffer x_;
  RedmuleZBuffer z_;
  RedmuleScheduler s_;
  RedmuleMemoryScheduler m_;
};

}  // namespace etude
