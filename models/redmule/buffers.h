// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// X pad (L x D) and X buffer (2 H columns): decides when a column moves from the pad to the
/// buffer, and with it when the pad is empty and may be loaded again. Source: redmule_x_buffer.
class RedmuleXBuffer {
 public:
  bool operator==(const RedmuleXBuffer&) const = default;
  struct Inputs {
    bool go;          ///< the array takes a column in this cycle
    bool full;        ///< the pad holds all its rows
    bool empty;       ///< emptied(): the last column leaves the pad in this cycle
    bool load;        ///< a row enters the pad
    bool release;     ///< the full pad is taken over: rows count from 0 again
    bool setup;       ///< the first block of a job is complete
    unsigned slots;   ///< columns of the block in the pad, rounded up to H
    unsigned height;  ///< H
  };
  unsigned rows() const { return rows_; }
  unsigned columns_read() const { return pad_reads_; }
  bool emptied(bool go, unsigned slots) const { return go && pad_reads_ >= slots; }
  void clock(const Inputs& in) {
    if (!in.go && !in.setup && state_ != State::kFastFill && state_ != State::kPadEmpty) {
      // nothing but a row of the pad can move
      first_block_ = first_block_ && pad_column_ != 2 * in.height - 1;
      refilling_ = refilling_ && !in.full;
      rows_ = static_cast<std::uint16_t>(rows_ + in.load);
      return;
    }
    move(in);
  }

 private:
  enum class State : std::uint8_t { kPreload, kFastFill, kWaitFirstRead, kFill, kPadEmpty };
  State next(const Inputs& in) const;
  void move(const Inputs& in);

  State state_ = State::kPreload;
  bool first_block_ = false, refilling_ = true;
  std::uint16_t rows_ = 0;        ///< rows in the pad
  std::uint16_t read_index_ = 0;  ///< column of the buffer that is read next, modulo H
  std::uint16_t pad_column_ = 0;  ///< column of the pad that is read next
  std::uint16_t pad_reads_ = 0;   ///< columns read of the block in the pad
  std::uint16_t to_write_ = 0;    ///< columns that a fast fill has to write
};

/// The single Y/Z buffer: loaded with rows of Y, pushed out column by column while the results of
/// the previous tile come in, then stored row by row. Source: redmule_z_buffer.
class RedmuleZBuffer {
 public:
  bool operator==(const RedmuleZBuffer&) const = default;
  enum class State : std::uint8_t { kEmpty, kLoaded, kPushed };
  struct Inputs {
    bool y_valid;  ///< a row of Y waits
    bool z_ready;  ///< the store stream takes a row
    bool push;     ///< a column of Y goes to the array
    bool fill;     ///< a column of results comes
    bool first;    ///< the first tile of the job is being pushed
    unsigned width, y_height, z_height;
  };
  struct Outputs {
    bool take_y, give_z;  ///< a row of Y goes in, a row of Z goes out
    bool filled;          ///< the last column of a tile has come
    bool emptied;         ///< free for the next tile
  };
  State state() const { return state_; }
  /// Rows of the tile that have come in or gone out.
  unsigned rows() const { return static_cast<unsigned>(loaded_rows_ + stored_); }
  /// The next tile's Y is there, or enters as its last row in this cycle.
  bool loaded(bool y_valid, unsigned width) const {
    return state_ == State::kLoaded ||
           (state_ == State::kEmpty && y_valid && loaded_rows_ + 1u == width);
  }
  Outputs clock(const Inputs& in);

 private:
  State state_ = State::kEmpty;
  std::uint16_t filled_ = 0, pushed_ = 0, stored_ = 0, loaded_rows_ = 0;
};

inline RedmuleXBuffer::State RedmuleXBuffer::next(const Inputs& in) const {
  switch (state_) {
    case State::kPreload:
      return in.setup ? State::kFastFill : state_;
    case State::kFastFill:
      if (pad_column_ + 1u != to_write_ || (in.go && !first_block_ && pad_reads_ != in.slots)) {
        return state_;
      }
      if (pad_reads_ == in.slots) {
        return in.full ? State::kWaitFirstRead : State::kPadEmpty;
      }
      return first_block_ ? State::kWaitFirstRead : State::kFill;
    case State::kWaitFirstRead:
      return in.go && read_index_ + 1u == in.height ? State::kFill : state_;
    case State::kFill:
      return in.empty && !in.full ? State::kPadEmpty : state_;
    case State::kPadEmpty:
      if (!in.full) {
        return state_;
      }
      return to_write_ != 0 || in.go ? State::kFastFill : State::kFill;
  }
  return state_;
}

inline void RedmuleXBuffer::move(const Inputs& in) {
  const State after = next(in);
  const bool write =
      (state_ == State::kFastFill || (state_ == State::kFill && in.go)) && !refilling_;
  const bool behind =
      in.go && (state_ == State::kPadEmpty || (state_ == State::kFastFill && !first_block_));
  if (pad_column_ == 2 * in.height - 1) {
    first_block_ = false;
  } else if (in.setup) {
    first_block_ = true;
  }
  if (in.empty) {
    to_write_ = 0;
    pad_reads_ = 1;
  } else {
    if (behind) {
      ++to_write_;
    } else if (in.setup) {
      to_write_ = static_cast<std::uint16_t>(2 * in.height);
    }
    pad_reads_ = static_cast<std::uint16_t>(pad_reads_ + (write || in.setup));
  }
  if (in.full) {
    refilling_ = false;
  } else if (in.empty) {
    refilling_ = true;
  }
  if (write) {
    pad_column_ = pad_column_ + 1u < in.slots ? static_cast<std::uint16_t>(pad_column_ + 1) : 0;
  }
  rows_ = in.release ? 0 : static_cast<std::uint16_t>(rows_ + in.load);
  if (in.go) {
    read_index_ = read_index_ + 1u == in.height ? 0 : static_cast<std::uint16_t>(read_index_ + 1);
  }
  state_ = after;
}

inline RedmuleZBuffer::Outputs RedmuleZBuffer::clock(const Inputs& in) {
  Outputs out{};
  out.take_y = state_ == State::kEmpty && !in.fill && in.y_valid;
  out.give_z = state_ == State::kPushed && in.z_ready;
  out.filled = in.fill && filled_ + 1u == in.z_height;
  const bool rows_in = out.take_y && loaded_rows_ + 1u == in.width;
  const bool pushed = in.push && pushed_ + 1u == in.y_height;
  const bool stored = out.give_z && stored_ + 1u == in.width;
  out.emptied = stored || (state_ == State::kLoaded && pushed && in.first);
  switch (state_) {
    case State::kEmpty:
      state_ = out.filled ? State::kPushed : rows_in ? State::kLoaded : state_;
      break;
    case State::kLoaded:
      state_ = out.filled ? State::kPushed : pushed && !in.fill ? State::kEmpty : state_;
      break;
    case State::kPushed:
      state_ = stored ? State::kEmpty : state_;
      break;
  }
  filled_ = out.filled ? 0 : static_cast<std::uint16_t>(filled_ + in.fill);
  stored_ = stored ? 0 : static_cast<std::uint16_t>(stored_ + out.give_z);
  loaded_rows_ = rows_in ? 0 : static_cast<std::uint16_t>(loaded_rows_ + out.take_y);
  pushed_ = pushed ? 0 : static_cast<std::uint16_t>(pushed_ + in.push);
  return out;
}

}  // namespace etude
