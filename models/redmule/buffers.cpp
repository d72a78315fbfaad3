// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/buffers.h"

namespace etude {

RedmuleXBuffer::State RedmuleXBuffer::next(const Inputs& in) const {
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

void RedmuleXBuffer::move(const Inputs& in) {
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

RedmuleZBuffer::Outputs RedmuleZBuffer::clock(const Inputs& in) {
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
