// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/control.h"

namespace etude {
namespace {

using State = RedmuleScheduler::State;

/// Counts 0 .. last and around.
template <class T>
T next_of(T value, std::uint32_t last) {
  return value == last ? T{0} : static_cast<T>(value + 1);
}

}  // namespace

void RedmuleControl::start(const RedmulePlan& plan) {
  plan_ = plan;
  phase_ = Phase::kStarting;
}

[[gnu::always_inline]] inline RedmuleControl::Signals RedmuleControl::signals(Outcome& out) const {
  const RedmulePlan& p = plan_;
  Signals s{};
  const bool starting = phase_ == Phase::kStarting;
  const bool load_w = s_.state == State::kLoadW;
  const bool y_valid = ys_.valid();
  s.last_x_column = s_.x_column + 1 == p.x_blocks;
  s.slots = s.last_x_column && p.x_columns_left != 0 ? p.last_slots : p.columns;
  const bool last_rows = s_.x_row + 1 == p.row_blocks && p.x_rows_left != 0;
  s.x_full = x_.rows() == (last_rows ? p.x_rows_left : p.width);
  s.y_height =
      s_.y_column + 1 == p.column_blocks && p.w_columns_left != 0 ? p.w_columns_left : p.columns;

  // May the array advance? The last check but one is the RTL's; the last one is ours: without it
  // the results of the last tile run into rows that still wait to be stored.
  const bool z_due = s_.z_wait_count == p.pipe;
  out.cycle = RedmuleCycle::kBusy;
  if (load_w) {
    const bool z_loaded =
        p.loads_y ? z_.loaded(y_valid, p.width) : z_.state() != RedmuleZBuffer::State::kPushed;
    if (!s_.w_done && !ws_.valid()) {
      out.cycle = RedmuleCycle::kW;
    }
    if (!s_.w_done && z_due && !z_loaded) {
      out.cycle = RedmuleCycle::kYZ;
    }
    if (s_.x_refill && !s_.x_done && !s.x_full && s_.x_shift + 1u == p.height) {
      out.cycle = RedmuleCycle::kX;
    }
  }
  if (z_due && s_.w_done && z_.state() == RedmuleZBuffer::State::kPushed) {
    out.cycle = RedmuleCycle::kYZ;
  }
  s.stall = out.cycle != RedmuleCycle::kBusy;
  s.go = load_w && !s.stall;

  s.x_empty = x_.emptied(s.go, s.slots);
  s.x_row_end = s.x_empty && s.last_x_column && s_.x_tile + 1 == p.column_blocks;
  s.x_reload_set =
      (s_.state == State::kIdle && starting) || s.x_empty || (s_.x_emptied && !s.x_full);
  s.x_reload_clear = s.x_full && !s.x_reload_set;
  s.x_load = s_.x_reload && !s.x_reload_clear && xs_.valid();
  s.x_release = s.go && s.x_full && s_.x_shift + 1u == p.height;

  s.w_load = s.go && !s_.w_done;
  s.w_tile_end = s.go && ws_.valid() && s_.w_row + 1 == p.w_rows;
  s.z_wait_clear = s_.z_wait && !s.stall && z_due;
  s.z_avail_clear = s_.z_avail && !s.stall && s_.z_avail_count + 1u == s_.z_height;
  s.y_push = s_.y_push && !s.stall;
  s.y_push_clear = s.y_push && s_.y_push_count + 1u == s.y_height;
  s.z_fill = s_.z_avail && s_.engine_enabled;

  s.next = s_.state;
  switch (s_.state) {
    case State::kIdle:
      s.next = starting ? State::kPreload : s_.state;
      out.cycle = starting ? RedmuleCycle::kStart : RedmuleCycle::kDrain;
      break;
    case State::kPreload:
      out.cycle = s.x_full ? RedmuleCycle::kYZ : RedmuleCycle::kX;
      if (s.x_full && (!p.loads_y || z_.loaded(y_valid, p.width))) {
        s.next = State::kLoadW;
        s.pad_setup = true;
      }
      break;
    case State::kLoadW:
      s.next = s_.w_done && s.z_avail_clear ? State::kIdle : s.stall ? State::kLoadW : State::kWait;
      break;
    case State::kWait:
      if (s_.waits == p.pipe && !s.stall) {
        s.next = State::kLoadW;
      }
      break;
  }
  s.start_computation = s_.first_load && s.next == State::kLoadW && !s.stall;
  return s;
}

inline void RedmuleControl::clock_blocks() {
  ++m_.blocks_read;
  if (++m_.block == plan_.x_blocks) {
    m_.block = 0;
    if (++m_.column == plan_.column_blocks) {
      m_.column = 0;
      m_.row = next_of(m_.row, plan_.row_blocks - 1);
    }
  }
}

[[gnu::always_inline]] inline void RedmuleControl::clock_streams(const Signals& s,
                                                                 const RedmuleZBuffer::Outputs& z,
                                                                 bool granted) {
  const RedmulePlan& p = plan_;
  const RedmuleStream served = granted ? mux_.chosen() : RedmuleStream::kNone;
  const bool starting = phase_ == Phase::kStarting;
  const bool more_x = m_.blocks_read != 0 && m_.blocks_read < p.x_block_total;
  const bool last_rows = m_.row + 1 == p.row_blocks && p.x_rows_left != 0;
  if (xs_.clock(starting || more_x, last_rows ? p.x_rows_left : p.width, s.x_load,
                served == RedmuleStream::kX)) {
    clock_blocks();
  }
  // W starts with Z and so only once; X and Y begin again while the controller is STARTING.
  ws_.clock(starting && zs_.idle(), p.w_beats, s.w_load && ws_.valid(),
            served == RedmuleStream::kW);
  ys_.clock(starting && p.loads_y, p.z_beats, z.take_y, served == RedmuleStream::kY);
  zs_.clock(starting, p.z_beats, z.give_z, served == RedmuleStream::kZ);
  mux_.clock(granted);
}

[[gnu::always_inline]] inline bool RedmuleControl::clock_phase(bool go, bool stored) {
  switch (phase_) {
    case Phase::kIdle:
      return false;
    case Phase::kStarting:
      phase_ = go ? Phase::kComputing : phase_;
      return false;
    case Phase::kComputing:
      phase_ = stored ? Phase::kFinished : phase_;
      return false;
    case Phase::kFinished:
      phase_ = Phase::kIdle;
      return true;
  }
  return false;
}

[[gnu::always_inline]] inline void RedmuleControl::clock_scheduler(const Signals& s,
                                                                   bool z_emptied) {
  const RedmulePlan& p = plan_;
  s_.engine_enabled = s_.computing && !s.stall;
  s_.computing |= s.pad_setup;
  if (z_emptied || s.start_computation) {
    s_.z_height = static_cast<std::uint16_t>(s.y_height);
  }
  if (!s.stall && (s_.state == State::kLoadW || s_.state == State::kWait)) {
    s_.waits = next_of(s_.waits, p.pipe);
  }
  if (s_.z_wait) {
    if (!s.stall) {
      s_.y_push |= s_.z_wait_count + 1u == p.pipe && !s.y_push_clear;
      s_.z_wait_count = next_of(s_.z_wait_count, p.pipe);
    }
    s_.z_wait = !s.z_wait_clear;
  } else {
    s_.z_wait = s.w_tile_end;
  }
  if (s_.z_avail && !s.stall) {
    s_.z_avail_count = s.z_avail_clear ? 0 : static_cast<std::uint16_t>(s_.z_avail_count + 1);
  }
  s_.z_avail = !s.z_avail_clear && (s_.z_avail || s.z_wait_clear);
  if (s.y_push) {
    s_.y_push_count = s.y_push_clear ? 0 : static_cast<std::uint16_t>(s_.y_push_count + 1);
  }
  s_.y_push = !s.y_push_clear && (s_.y_push || s.start_computation);
  s_.x_reload = !s.x_reload_clear && (s_.x_reload || s.x_reload_set);
  s_.x_emptied = s.x_full && (s.x_empty || s_.x_emptied);
  if (s.go) {
    s_.first_load = false;
    s_.x_shift = next_of(s_.x_shift, p.height - 1);
    s_.x_refill = !s.x_release && (s_.x_refill || s.x_empty);
    if (s.x_empty && !s_.x_done) {
      s_.x_row += s.x_row_end;
      s_.x_tile = s.last_x_column ? next_of(s_.x_tile, p.column_blocks - 1) : s_.x_tile;
      s_.x_column = s.last_x_column ? 0 : s_.x_column + 1;
      s_.x_done = s.x_row_end && s_.x_row == p.row_blocks;
    }
    if (s.w_load) {  // go implies a valid row while W is not done
      s_.w_row = s.w_tile_end ? 0 : s_.w_row + 1;
      if (s.w_tile_end) {
        const bool matrix_end = s_.w_column + 1 == p.column_blocks;
        s_.w_column = matrix_end ? 0 : s_.w_column + 1;
        s_.w_matrix += matrix_end;
        s_.w_done = matrix_end && s_.w_matrix == p.row_blocks;
      }
    }
  }
  if (z_emptied) {
    if (s_.y_column + 1 == p.column_blocks) {
      s_.y_column = 0;
      s_.y_row = next_of(s_.y_row, p.w_rows - 1);
    } else {
      ++s_.y_column;
    }
  }
  s_.state = s.next;
}

RedmuleProgress RedmuleControl::progress() const {
  return {.x = xs_.burst(),
          .w = ws_.burst(),
          .y = ys_.burst(),
          .z = zs_.burst(),
          .blocks_read = m_.blocks_read,
          .block = m_.block,
          .column = m_.column,
          .row = m_.row,
          .x_column = s_.x_column,
          .x_tile = s_.x_tile,
          .x_row = s_.x_row,
          .w_row = s_.w_row,
          .w_column = s_.w_column,
          .w_matrix = s_.w_matrix,
          .y_column = s_.y_column,
          .y_row = s_.y_row};
}

void RedmuleControl::set_progress(const RedmuleProgress& progress) {
  xs_.set_burst(progress.x);
  ws_.set_burst(progress.w);
  ys_.set_burst(progress.y);
  zs_.set_burst(progress.z);
  m_ = {.blocks_read = progress.blocks_read,
        .block = progress.block,
        .column = progress.column,
        .row = progress.row};
  s_.x_column = progress.x_column;
  s_.x_tile = progress.x_tile;
  s_.x_row = progress.x_row;
  s_.w_row = progress.w_row;
  s_.w_column = progress.w_column;
  s_.w_matrix = progress.w_matrix;
  s_.y_column = progress.y_column;
  s_.y_row = progress.y_row;
}

std::uint64_t RedmuleControl::fingerprint() const {
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  };
  add(xs_.fingerprint() | ws_.fingerprint() << 16 | ys_.fingerprint() << 32 |
      zs_.fingerprint() << 48);
  add(static_cast<std::uint64_t>(s_.state) | std::uint64_t{s_.z_wait} << 2 |
      std::uint64_t{s_.z_avail} << 3 | std::uint64_t{s_.y_push} << 4 |
      std::uint64_t{s_.x_refill} << 5 | static_cast<std::uint64_t>(z_.state()) << 6 |
      std::uint64_t{s_.x_shift} << 8 | std::uint64_t{s_.z_avail_count} << 24 |
      std::uint64_t{s_.y_push_count} << 40 | std::uint64_t{s_.waits} << 56);
  add(x_.rows() | std::uint64_t{x_.columns_read()} << 16 | std::uint64_t{z_.rows()} << 32 |
      static_cast<std::uint64_t>(mux_.chosen()) << 60);
  return hash;
}

RedmuleControl::Outcome RedmuleControl::clock(bool granted) {
  Outcome out;
  const Signals s = signals(out);
  x_.clock({.go = s.go,
            .full = s.x_full,
            .empty = s.x_empty,
            .load = s.x_load,
            .release = s.x_release,
            .setup = s.pad_setup,
            .slots = s.slots,
            .height = plan_.height});
  const RedmuleZBuffer::Outputs z = z_.clock({.y_valid = ys_.valid(),
                                              .z_ready = zs_.ready(),
                                              .push = s.y_push,
                                              .fill = s.z_fill,
                                              .first = s_.y_column == 0 && s_.y_row == 0,
                                              .width = plan_.width,
                                              .y_height = s.y_height,
                                              .z_height = s_.z_height});
  out.tile_filled = z.filled;
  const bool stored = zs_.done();
  clock_streams(s, z, granted);
  if (clock_phase(s.go, stored)) {
    s_ = RedmuleScheduler{};
    m_ = RedmuleMemoryScheduler{};
    out.finished = true;
    return out;
  }
  clock_scheduler(s, z.emptied);
  return out;
}

}  // namespace etude
