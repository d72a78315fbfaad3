// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/control.h"

namespace etude {

bool RedmuleLoadStream::clock(bool start, std::uint64_t length, bool pop, bool granted) {
  const bool buffer_ready = buffered < 4;
  const bool to_buffer = responses > 0 && buffer_ready;
  const bool to_request = phase != kIdle && addresses > 0 && buffer_ready && requests < 4;
  const bool address_ready = addresses < 2;
  bool advance = phase != kIdle || start;
  bool ended = false;
  if (phase == kIdle) {
    phase = start ? kWorking : kIdle;
  } else if (phase == kWorking) {
    if (address_ready && generated >= length) {
      phase = kDraining;
    }
  } else if (addresses == 0 && transferred == length) {
    phase = kIdle;
    ended = true;
  }
  const bool to_address = address_valid && address_ready;
  if (ended) {
    generated = 0;
    transferred = 0;
    address_valid = false;
  } else {
    if (advance && address_ready) {
      address_valid = generated < length;
      generated += address_valid;
    }
    transferred += to_buffer;
  }
  const bool response_ready = responses < 4;
  const bool arrived = (response || held) && response_ready;
  held = (response || held) && !response_ready;
  addresses = static_cast<std::uint8_t>(addresses + to_address - to_request);
  requests = static_cast<std::uint8_t>(requests + to_request - granted);
  responses = static_cast<std::uint8_t>(responses + arrived - to_buffer);
  buffered = static_cast<std::uint8_t>(buffered + to_buffer - pop);
  response = granted;
  return ended;
}

void RedmuleStoreStream::clock(bool start, std::uint64_t length, bool push, bool granted) {
  const bool accept = phase != kIdle && buffered > 0 && addresses > 0 && requests < 2;
  const bool address_ready = addresses < 2;
  const bool advance = phase != kIdle || start;
  bool ended = false;
  if (phase == kIdle) {
    phase = start ? kWorking : kIdle;
  } else if (phase == kWorking) {
    if (address_ready && generated >= length) {
      phase = kDraining;
    }
  } else if (accepted == length) {
    phase = kIdle;
    ended = true;
  }
  const bool to_address = address_valid && address_ready;
  if (ended) {
    generated = 0;
    accepted = 0;
    address_valid = false;
  } else {
    if (advance && address_ready) {
      address_valid = generated < length;
      generated += address_valid;
    }
    accepted += accept;
  }
  addresses = static_cast<std::uint8_t>(addresses + to_address - accept);
  buffered = static_cast<std::uint8_t>(buffered + push - accept);
  requests = static_cast<std::uint8_t>(requests + accept - granted);
  done = ended;
}

RedmulePortMux::Choice RedmulePortMux::choose(bool x, bool w, bool y, bool z, bool forced) const {
  Choice choice;
  const bool yz[2] = {y, z};
  choice.yz = yz_last;
  if (yz_granted || !yz_any || !yz[yz_last]) {
    const std::uint8_t first = forced ? 0 : yz_pointer;
    choice.yz = yz[first]       ? first
                : yz[1 - first] ? static_cast<std::uint8_t>(1 - first)
                                : yz_pointer;
  }
  const bool in[3] = {x, w, yz[choice.yz]};
  choice.winner = last;
  if (granted || !any || !in[last]) {
    choice.winner = pointer;
    for (unsigned i = 0; i < 3; ++i) {
      const unsigned candidate = pointer + i < 3 ? pointer + i : pointer + i - 3;
      if (in[candidate]) {
        choice.winner = static_cast<std::uint8_t>(candidate);
        break;
      }
    }
  }
  choice.yz_any = y || z;
  choice.any = x || w || in[2];
  if (in[choice.winner]) {
    choice.stream = choice.winner == 2 ? (choice.yz == 0 ? RedmuleStream::kY : RedmuleStream::kZ)
                                       : static_cast<RedmuleStream>(choice.winner);
  }
  return choice;
}

void RedmulePortMux::clock(const Choice& choice, bool grant) {
  yz_any = choice.yz_any;
  any = choice.any;
  yz_last = choice.yz;
  last = choice.winner;
  granted = grant;
  yz_granted = grant && choice.winner == 2;
  if (grant) {
    pointer = pointer == 2 ? 0 : static_cast<std::uint8_t>(pointer + 1);
  }
  if (yz_granted) {
    yz_pointer ^= 1;
  }
}

void RedmuleControl::start(const RedmulePlan& plan) {
  plan_ = plan;
  phase_ = Phase::kStarting;
}

RedmulePortMux::Choice RedmuleControl::choose() const {
  const bool forced = z_.state == RedmuleZBuffer::kPushed || zs_.buffered > 0;
  return mux_.choose(xs_.wants_port(), ws_.wants_port(), ys_.wants_port(), zs_.wants_port(),
                     forced);
}

RedmuleStream RedmuleControl::request() const { return choose().stream; }

RedmuleControl::Outcome RedmuleControl::clock(bool granted) {
  Outcome out;
  const RedmulePlan& p = plan_;
  const RedmulePortMux::Choice choice = choose();
  granted = granted && choice.stream != RedmuleStream::kNone;

  // ---- registers seen through the plan
  const unsigned H = p.height, D = p.columns, P = p.pipe;
  const bool last_x_column = s_.x_column + 1 == p.x_blocks;
  const unsigned slots = last_x_column && p.x_columns_left ? p.last_slots : D;
  const unsigned pad_rows = s_.x_row + 1 == p.row_blocks && p.x_rows_left ? p.x_rows_left : p.width;
  const bool x_full = x_.rows == pad_rows;
  const bool x_valid = xs_.buffered > 0, w_valid = ws_.buffered > 0, y_valid = ys_.buffered > 0;
  const bool z_ready = zs_.buffered < 2;
  const unsigned y_width = p.width;
  const unsigned y_height =
      s_.y_column + 1 == p.column_blocks && p.w_columns_left ? p.w_columns_left : D;
  const bool starting = phase_ == Phase::kStarting;
  using S = RedmuleScheduler;
  const bool in_load_w = s_.state == S::kLoadW;
  const bool z_loaded = z_.state == RedmuleZBuffer::kLoaded ||
                        (z_.state == RedmuleZBuffer::kEmpty &&
                         (p.loads_y ? z_.loaded_rows == y_width - 1 && y_valid : true));

  // ---- may the array advance?
  bool stall = false;
  switch (s_.state) {
    case S::kIdle:
      out.cycle = starting ? RedmuleCycle::kStart : RedmuleCycle::kDrain;
      break;
    case S::kPreload:
      out.cycle = x_full ? RedmuleCycle::kYZ : RedmuleCycle::kX;
      break;
    default:
      out.cycle = RedmuleCycle::kBusy;
      break;
  }
  if (in_load_w) {
    if (!w_valid && !s_.w_done) {
      stall = true;
      out.cycle = RedmuleCycle::kW;
    }
    if (!z_loaded && s_.z_wait_count == P && !s_.w_done) {
      stall = true;
      out.cycle = RedmuleCycle::kYZ;
    }
  }
  const bool x_check = !x_full && s_.x_refill && !s_.x_done;
  if (in_load_w && x_check && s_.x_shift == H - 1) {
    stall = true;
    out.cycle = RedmuleCycle::kX;
  }
  if (s_.z_wait_count == P && s_.w_done && z_.state == RedmuleZBuffer::kPushed) {
    stall = true;
    out.cycle = RedmuleCycle::kYZ;
  }
  const bool go = in_load_w && !stall;

  // ---- X
  const bool x_empty = x_.pad_reads >= slots && go;
  const bool x_tile_end = x_empty && last_x_column;
  const bool x_row_end = x_tile_end && s_.x_tile + 1 == p.column_blocks;
  const bool x_done_now = x_row_end && s_.x_row + 1 == p.row_blocks;
  const bool x_reload_set =
      (s_.state == S::kIdle && starting) || x_empty || (s_.x_emptied && !x_full);
  const bool x_reload_clear = x_full && !x_reload_set;
  const bool x_load = s_.x_reload && !x_reload_clear && x_valid;
  const bool x_release = go && x_full && s_.x_shift == H - 1;

  // ---- scheduler's next state
  const bool z_avail_clear = s_.z_avail && !stall && s_.z_avail_count + 1u == s_.z_height;
  S::State next = s_.state;
  switch (s_.state) {
    case S::kIdle:
      if (starting) {
        next = S::kPreload;
      }
      break;
    case S::kPreload:
      if (x_full && (!p.loads_y || z_loaded)) {
        next = S::kLoadW;
      }
      break;
    case S::kLoadW:
      next = s_.w_done && z_avail_clear ? S::kIdle : stall ? S::kLoadW : S::kWait;
      break;
    case S::kWait:
      if (s_.waits == P && !stall) {
        next = S::kLoadW;
      }
      break;
  }
  const bool pad_setup = s_.state == S::kPreload && next == S::kLoadW;
  const bool start_computation = s_.first_load && next == S::kLoadW && !stall;

  // ---- W, Y, Z
  const bool w_row_taken = go && w_valid;
  const bool w_load = go && !s_.w_done;
  const bool w_tile_end = w_row_taken && s_.w_row + 1 == p.w_rows;
  const bool w_matrix_end = w_tile_end && s_.w_column + 1 == p.column_blocks;
  const bool w_all = w_matrix_end && s_.w_matrix + 1 == p.row_blocks;
  const bool z_wait_clear = s_.z_wait && !stall && s_.z_wait_count == P;
  const bool y_push_clear = s_.y_push && !stall && s_.y_push_count + 1u == y_height;
  const bool y_push = s_.y_push && !stall;
  const bool z_fill = s_.z_avail && s_.engine_enabled;
  using Z = RedmuleZBuffer;
  const bool load_en = z_.state == Z::kEmpty && !z_fill;
  const bool store_en = z_.state == Z::kPushed;
  const bool y_take = load_en && y_valid;
  const bool z_give = store_en && z_ready;
  const bool z_filled = z_fill && z_.fill + 1u == s_.z_height;
  const bool y_rows_in = y_take && z_.loaded_rows + 1u == y_width;
  const bool y_pushed = y_push && z_.pushed + 1u == y_height;
  const bool z_stored = z_give && z_.stored + 1u == s_.z_width;
  const bool z_empty =
      z_stored || (z_.state == Z::kLoaded && y_pushed && s_.y_column == 0 && s_.y_row == 0);

  // ---- X buffer
  using X = RedmuleXBuffer;
  const bool buffer_write =
      (x_.state == X::kFastFill || (x_.state == X::kFill && go)) && !x_.refilling;
  X::State x_next = x_.state;
  switch (x_.state) {
    case X::kPreload:
      if (pad_setup) {
        x_next = X::kFastFill;
      }
      break;
    case X::kFastFill:
      if (x_.pad_column + 1u == x_.to_write && (!go || x_.first_block || x_.pad_reads == slots)) {
        if (x_.pad_reads == slots) {
          x_next = x_full ? X::kWaitFirstRead : X::kPadEmpty;
        } else {
          x_next = x_.first_block ? X::kWaitFirstRead : X::kFill;
        }
      }
      break;
    case X::kWaitFirstRead:
      if (x_.read_index == H - 1 && go) {
        x_next = X::kFill;
      }
      break;
    case X::kWaitShift:
      if (go) {
        x_next = X::kPadEmpty;
      }
      break;
    case X::kFill:
      if (x_empty) {
        x_next = x_full ? X::kFill : X::kPadEmpty;
      }
      break;
    case X::kPadEmpty:
      if (x_full) {
        x_next = x_.to_write != 0 || go ? X::kFastFill : X::kFill;
      }
      break;
  }

  // ================= clock edge
  // streams
  const bool x_restart = xs_.phase == RedmuleLoadStream::kIdle &&
                         (starting || (m_.blocks_read != 0 && m_.blocks_read < p.x_block_total));
  const std::uint64_t x_length =
      m_.row + 1 == p.row_blocks && p.x_rows_left ? p.x_rows_left : p.width;
  const bool x_burst_end =
      xs_.clock(x_restart, x_length, x_load, granted && choice.stream == RedmuleStream::kX);
  ws_.clock(starting && zs_.phase == RedmuleStoreStream::kIdle, p.w_beats, w_load && w_valid,
            granted && choice.stream == RedmuleStream::kW);
  ys_.clock(starting && p.loads_y, p.z_beats, y_take,
            granted && choice.stream == RedmuleStream::kY);
  const bool stream_done = zs_.done;
  zs_.clock(starting, p.z_beats, z_give, granted && choice.stream == RedmuleStream::kZ);
  mux_.clock(choice, granted);
  if (x_burst_end) {
    if (m_.block + 1 == p.x_blocks) {
      m_.block = 0;
      if (m_.column + 1 == p.column_blocks) {
        m_.column = 0;
        m_.row = m_.row + 1 == p.row_blocks ? 0 : m_.row + 1;
      } else {
        ++m_.column;
      }
    } else {
      ++m_.block;
    }
    ++m_.blocks_read;
  }
  // X buffer
  const bool first_block = x_.first_block;
  if (x_.pad_column == 2 * H - 1) {
    x_.first_block = false;
  } else if (pad_setup) {
    x_.first_block = true;
  }
  if (x_empty) {
    x_.to_write = 0;
  } else if ((x_.state == X::kPadEmpty || (x_.state == X::kFastFill && !first_block)) && go) {
    ++x_.to_write;
  } else if (pad_setup) {
    x_.to_write = static_cast<std::uint16_t>(2 * H);
  }
  if (x_full) {
    x_.refilling = false;
  } else if (x_empty) {
    x_.refilling = true;
  }
  if (x_empty) {
    x_.pad_reads = 1;
  } else if (buffer_write || pad_setup) {
    ++x_.pad_reads;
  }
  if (buffer_write) {
    x_.pad_column = x_.pad_column + 1u < slots ? static_cast<std::uint16_t>(x_.pad_column + 1) : 0;
  }
  if (x_release) {
    x_.rows = 0;
  } else if (x_load) {
    ++x_.rows;
  }
  if (go) {
    x_.read_index = x_.read_index + 1u == H ? 0 : static_cast<std::uint16_t>(x_.read_index + 1);
  }
  x_.state = x_next;
  // Z buffer
  switch (z_.state) {
    case Z::kEmpty:
      z_.state = z_filled ? Z::kPushed : y_rows_in ? Z::kLoaded : Z::kEmpty;
      break;
    case Z::kLoaded:
      z_.state = z_filled ? Z::kPushed : y_pushed && !z_fill ? Z::kEmpty : Z::kLoaded;
      break;
    case Z::kPushed:
      z_.state = z_stored ? Z::kEmpty : Z::kPushed;
      break;
  }
  z_.fill = z_filled ? 0 : static_cast<std::uint16_t>(z_.fill + z_fill);
  z_.stored = z_stored ? 0 : static_cast<std::uint16_t>(z_.stored + z_give);
  z_.loaded_rows = y_rows_in ? 0 : static_cast<std::uint16_t>(z_.loaded_rows + y_take);
  z_.pushed = y_pushed ? 0 : static_cast<std::uint16_t>(z_.pushed + y_push);
  out.tile_filled = z_filled;
  // scheduler
  const Phase phase = phase_;
  switch (phase_) {
    case Phase::kIdle:
      break;
    case Phase::kStarting:
      if (go) {
        phase_ = Phase::kComputing;
      }
      break;
    case Phase::kComputing:
      if (stream_done) {
        phase_ = Phase::kFinished;
      }
      break;
    case Phase::kFinished:
      phase_ = Phase::kIdle;
      out.finished = true;
      break;
  }
  if (phase == Phase::kFinished) {
    s_ = S{};
    m_ = RedmuleMemoryScheduler{};
    return out;
  }
  s_.engine_enabled = s_.computing && !stall;
  s_.computing |= pad_setup;
  if (z_empty || start_computation) {
    s_.z_height = static_cast<std::uint16_t>(y_height);
    s_.z_width = static_cast<std::uint16_t>(y_width);
  }
  if (!stall && s_.state != S::kIdle && s_.state != S::kPreload) {
    s_.waits = s_.waits == P ? 0 : static_cast<std::uint16_t>(s_.waits + 1);
  }
  if (go) {
    s_.first_load = false;
  }
  if (x_release) {
    s_.x_refill = false;
  } else if (x_empty) {
    s_.x_refill = true;
  }
  if (!s_.x_done) {
    if (x_row_end) {
      ++s_.x_row;
    }
    if (x_tile_end) {
      s_.x_tile = s_.x_tile + 1 == p.column_blocks ? 0 : s_.x_tile + 1;
    }
    if (x_empty) {
      s_.x_column = last_x_column ? 0 : s_.x_column + 1;
    }
  }
  if (go) {
    s_.x_shift = s_.x_shift + 1u == H ? 0 : static_cast<std::uint16_t>(s_.x_shift + 1);
  }
  if (x_reload_clear) {
    s_.x_reload = false;
  } else if (x_reload_set) {
    s_.x_reload = true;
  }
  s_.x_emptied = x_full && (x_empty || s_.x_emptied);
  s_.x_done |= x_done_now;
  if (!s_.w_done) {
    if (w_matrix_end) {
      ++s_.w_matrix;
    }
    if (w_tile_end) {
      s_.w_column = s_.w_column + 1 == p.column_blocks ? 0 : s_.w_column + 1;
    }
    if (w_row_taken) {
      s_.w_row = s_.w_row + 1 == p.w_rows ? 0 : s_.w_row + 1;
    }
  }
  const bool zw = s_.z_wait, za = s_.z_avail, yp = s_.y_push;
  const unsigned zwc = s_.z_wait_count;
  s_.z_wait = !z_wait_clear && (zw || w_tile_end);
  s_.z_avail = !z_avail_clear && (za || z_wait_clear);
  s_.y_push = !y_push_clear && (yp || (zw && !stall && zwc == P - 1) || start_computation);
  if (zw && !stall) {
    s_.z_wait_count = zwc == P ? 0 : static_cast<std::uint16_t>(zwc + 1);
  }
  if (za && !stall) {
    s_.z_avail_count = z_avail_clear ? 0 : static_cast<std::uint16_t>(s_.z_avail_count + 1);
  }
  if (y_push) {
    s_.y_push_count = y_push_clear ? 0 : static_cast<std::uint16_t>(s_.y_push_count + 1);
  }
  s_.w_done |= w_all;
  if (z_empty) {
    if (s_.y_column + 1 == p.column_blocks) {
      s_.y_column = 0;
      s_.y_row = s_.y_row + 1 == p.w_rows ? 0 : s_.y_row + 1;
    } else {
      ++s_.y_column;
    }
  }
  s_.state = next;
  return out;
}

}  // namespace etude
