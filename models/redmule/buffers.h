// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// X pad (L x D) and X buffer (2 H columns): decides when a column moves from the pad to the
/// buffer, and with it when the pad is empty and may be loaded again. Source: redmule_x_buffer.
class RedmuleXBuffer {
 public:
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

}  // namespace etude
