// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// The four operand streams that share RedMulE's one memory port.
enum class RedmuleStream : std::uint8_t { kX, kW, kY, kZ, kNone };

/// Beats of a stream's burst: the part of its state that grows with the job.
struct RedmuleBurst {
  bool operator==(const RedmuleBurst&) const = default;
  std::uint64_t generated = 0;    ///< addresses generated
  std::uint64_t transferred = 0;  ///< beats handed on
};

/// One load stream: address generator -> address FIFO (2) -> request FIFO (4) -> port ->
/// response FIFO (4) -> buffer FIFO (4). Order never changes, so that only fill levels are state.
/// Source: hci_core_source, hci_core_fifo, hwpe_stream_fifo.
class RedmuleLoadStream {
 public:
  bool operator==(const RedmuleLoadStream&) const = default;
  bool idle() const { return phase_ == Phase::kIdle; }
  /// A beat stands in the buffer FIFO.
  bool valid() const { return buffered_ > 0; }
  /// The request FIFO's head asks for the port. It is held back while the response FIFO is full, or
  /// almost: that flag is raised at one entry (it equals the almost-empty flag in this RTL) and
  /// counts while a response arrives that cannot be passed on.
  bool wants_port() const {
    return requests_ > 0 && responses_ < kDepth &&
           !(responses_ == 1 && response_ && buffered_ == kDepth);
  }

  RedmuleBurst burst() const { return {generated_, transferred_}; }
  void set_burst(const RedmuleBurst& burst) {
    generated_ = burst.generated;
    transferred_ = burst.transferred;
  }
  /// A number that differs between most states.
  std::uint64_t fingerprint() const {
    return static_cast<std::uint64_t>(phase_) | std::uint64_t{response_} << 2 |
           std::uint64_t{addresses_} << 3 | std::uint64_t{requests_} << 5 |
           std::uint64_t{responses_} << 8 | std::uint64_t{buffered_} << 11;
  }

  /// One clock edge. `start` begins a burst of `length` beats when idle; `pop` takes a beat from
  /// the buffer FIFO; `granted` serves the request. Returns true in the cycle in which the burst
  /// ends.
  bool clock(bool start, std::uint64_t length, bool pop, bool granted) {
    if (settled_ && !pop && !granted && (phase_ != Phase::kIdle || !start)) {
      return false;  // the same inputs changed nothing in the last cycle
    }
    return move(start, length, pop, granted);
  }

 private:
  enum class Phase : std::uint8_t { kIdle, kWorking, kDraining };
  static constexpr std::uint8_t kDepth = 4;

  bool move(bool start, std::uint64_t length, bool pop, bool granted);

  Phase phase_ = Phase::kIdle;
  bool settled_ = false;
  bool address_valid_ = false;
  bool response_ = false;  ///< data of a beat granted in the last cycle arrive now
  bool held_ = false;      ///< a response that found its FIFO full
  std::uint8_t addresses_ = 0, requests_ = 0, responses_ = 0, buffered_ = 0;
  std::uint64_t generated_ = 0;    ///< addresses generated of the current burst
  std::uint64_t transferred_ = 0;  ///< beats of the current burst handed to the buffer FIFO
};

/// The store stream: Z FIFO (2) -> sink with its address FIFO (2) -> request FIFO (2) -> port.
/// Source: hci_core_sink, hci_core_fifo.
class RedmuleStoreStream {
 public:
  bool operator==(const RedmuleStoreStream&) const = default;
  bool idle() const { return phase_ == Phase::kIdle; }
  bool ready() const { return buffered_ < kDepth; }
  bool holds_rows() const { return buffered_ > 0; }
  bool wants_port() const { return requests_ > 0; }
  /// True in the cycle after the one that found the last beat in the request FIFO.
  bool done() const { return done_; }
  RedmuleBurst burst() const { return {generated_, accepted_}; }
  void set_burst(const RedmuleBurst& burst) {
    generated_ = burst.generated;
    accepted_ = burst.transferred;
  }
  std::uint64_t fingerprint() const {
    return static_cast<std::uint64_t>(phase_) | std::uint64_t{addresses_} << 2 |
           std::uint64_t{requests_} << 4 | std::uint64_t{buffered_} << 6;
  }
  void clock(bool start, std::uint64_t length, bool push, bool granted) {
    if (settled_ && !push && !granted && (phase_ != Phase::kIdle || !start)) {
      return;
    }
    move(start, length, push, granted);
  }

 private:
  enum class Phase : std::uint8_t { kIdle, kWorking, kDraining };
  static constexpr std::uint8_t kDepth = 2;

  void move(bool start, std::uint64_t length, bool push, bool granted);

  Phase phase_ = Phase::kIdle;
  bool settled_ = false;
  bool address_valid_ = false;
  bool done_ = false;
  std::uint8_t addresses_ = 0, buffered_ = 0, requests_ = 0;
  std::uint64_t generated_ = 0, accepted_ = 0;
};

/// Two multiplexers in a row: Y against Z, then X, W and the winner, round robin. The pointer
/// advances by one at each grant, whoever won; a refused winner is kept while it requests.
/// Source: hci_core_mux_ooo with the one term patched that lets go of a withdrawn request.
class RedmulePortMux {
 public:
  bool operator==(const RedmulePortMux&) const = default;
  /// Decides the cycle; `forced` replaces the first multiplexer's pointer by Y before Z.
  RedmuleStream choose(bool x, bool w, bool y, bool z, bool forced) {
    if (!(x || w || y || z)) {
      stream_ = RedmuleStream::kNone;
      yz_any_ = any_ = false;
      return stream_;
    }
    const bool yz[2] = {y, z};
    if (yz_granted_ || !yz_any_ || !yz[yz_last_]) {
      const std::uint8_t first = forced ? 0 : yz_pointer_;
      yz_last_ = yz[first] ? first : yz[first ^ 1] ? first ^ 1 : yz_pointer_;
    }
    const bool in[3] = {x, w, yz[yz_last_]};
    if (granted_ || !any_ || !in[last_]) {
      const std::uint8_t second = pointer_ == 2 ? 0 : static_cast<std::uint8_t>(pointer_ + 1);
      const auto third = static_cast<std::uint8_t>(3 - pointer_ - second);
      last_ = in[pointer_] ? pointer_ : in[second] ? second : in[third] ? third : pointer_;
    }
    yz_any_ = y || z;
    any_ = x || w || in[2];
    stream_ = !in[last_]  ? RedmuleStream::kNone
              : last_ < 2 ? static_cast<RedmuleStream>(last_)
                          : static_cast<RedmuleStream>(2 + yz_last_);
    return stream_;
  }
  /// The end of the cycle that choose() decided.
  void clock(bool granted) {
    granted_ = granted && stream_ != RedmuleStream::kNone;
    yz_granted_ = granted_ && last_ == 2;
    if (granted_) {
      pointer_ = pointer_ == 2 ? 0 : static_cast<std::uint8_t>(pointer_ + 1);
      yz_pointer_ ^= static_cast<std::uint8_t>(yz_granted_);
    }
  }
  RedmuleStream chosen() const { return stream_; }

 private:
  std::uint8_t yz_pointer_ = 0, yz_last_ = 0, pointer_ = 0, last_ = 0;
  bool yz_granted_ = false, yz_any_ = false, granted_ = false, any_ = false;
  RedmuleStream stream_ = RedmuleStream::kNone;
};

inline bool RedmuleLoadStream::move(bool start, std::uint64_t length, bool pop, bool granted) {
  const Phase phase_before = phase_;
  const bool buffer_ready = buffered_ < kDepth;
  const bool to_buffer = responses_ > 0 && buffer_ready;
  const bool to_request =
      phase_ != Phase::kIdle && addresses_ > 0 && buffer_ready && requests_ < kDepth;
  const bool address_ready = addresses_ < 2;
  const bool to_address = address_valid_ && address_ready;
  const bool advance = phase_ != Phase::kIdle || start;
  bool ended = false, generated = false;
  switch (phase_) {
    case Phase::kIdle:
      phase_ = start ? Phase::kWorking : Phase::kIdle;
      break;
    case Phase::kWorking:
      if (address_ready && generated_ >= length) {
        phase_ = Phase::kDraining;
      }
      break;
    case Phase::kDraining:
      ended = addresses_ == 0 && transferred_ == length;
      break;
  }
  if (ended) {
    phase_ = Phase::kIdle;
    generated_ = 0;
    transferred_ = 0;
    address_valid_ = false;
  } else {
    if (advance && address_ready) {
      generated = generated_ < length;
      address_valid_ = generated;
      generated_ += generated;
    }
    transferred_ += to_buffer;
  }
  const bool response_ready = responses_ < kDepth;
  const bool arriving = response_ || held_;
  const bool arrived = arriving && response_ready;
  held_ = arriving && !response_ready;
  addresses_ = static_cast<std::uint8_t>(addresses_ + to_address - to_request);
  requests_ = static_cast<std::uint8_t>(requests_ + to_request - granted);
  responses_ = static_cast<std::uint8_t>(responses_ + arrived - to_buffer);
  buffered_ = static_cast<std::uint8_t>(buffered_ + to_buffer - pop);
  settled_ = !(to_buffer || to_request || to_address || arrived || response_ || generated || pop ||
               granted || phase_ != phase_before);
  response_ = granted;
  return ended;
}

inline void RedmuleStoreStream::move(bool start, std::uint64_t length, bool push, bool granted) {
  const Phase phase_before = phase_;
  const bool done_before = done_;
  const bool accept =
      phase_ != Phase::kIdle && buffered_ > 0 && addresses_ > 0 && requests_ < kDepth;
  const bool address_ready = addresses_ < 2;
  const bool to_address = address_valid_ && address_ready;
  const bool advance = phase_ != Phase::kIdle || start;
  bool ended = false, generated = false;
  switch (phase_) {
    case Phase::kIdle:
      phase_ = start ? Phase::kWorking : Phase::kIdle;
      break;
    case Phase::kWorking:
      if (address_ready && generated_ >= length) {
        phase_ = Phase::kDraining;
      }
      break;
    case Phase::kDraining:
      ended = accepted_ == length;
      break;
  }
  if (ended) {
    phase_ = Phase::kIdle;
    generated_ = 0;
    accepted_ = 0;
    address_valid_ = false;
  } else {
    if (advance && address_ready) {
      generated = generated_ < length;
      address_valid_ = generated;
      generated_ += generated;
    }
    accepted_ += accept;
  }
  addresses_ = static_cast<std::uint8_t>(addresses_ + to_address - accept);
  buffered_ = static_cast<std::uint8_t>(buffered_ + push - accept);
  requests_ = static_cast<std::uint8_t>(requests_ + accept - granted);
  done_ = ended;
  settled_ = !(accept || to_address || generated || push || granted || ended || done_before ||
               phase_ != phase_before);
}

}  // namespace etude
