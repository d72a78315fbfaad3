// SPDX-License-Identifier: Apache-2.0
#include "models/dma/idma_backend.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "models/base/pulp_map_regs.h"

namespace etude {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr unsigned kDemuxOpen = 7;  // a counter of three bits is full at 7

}  // namespace

IdmaBackend::IdmaBackend(AxiPort& axi) : axi_(&axi) {
  pieces_.resize(kRing);
  buffers_.resize(kRing * kBufferBytes);
}

void IdmaBackend::reset() { *this = IdmaBackend(*axi_); }

void IdmaBackend::enqueue(const IdmaTransfer& transfer, Cycle::rep now) {
  transfers_[queue_head_++ % kTransfers] = {transfer, now};
}

bool IdmaBackend::in_l1(std::uint32_t address) {
  const std::uint32_t region = address & ~(ETUDE_L1_TEST_AND_SET - 1);
  return region == ETUDE_L1_BASE || region == ETUDE_L1_ALIAS;
}

// The byte lanes that a beat of a burst fills or drains: the bytes of a row go to the lanes in
// turn.
std::uint64_t IdmaBackend::lanes(std::uint32_t address, std::uint32_t bytes,
                                 std::uint32_t row_offset, unsigned beat) {
  const std::uint32_t skew = address & 7;
  const std::uint32_t from = beat == 0 ? 0 : 8 * beat - skew;
  const std::uint32_t to = std::min(bytes, 8 * (beat + 1) - skew);
  const std::uint64_t run = kOnes >> (8 * (8 - (to - from)));
  return std::rotl(run, static_cast<int>(8 * ((row_offset + from) & 7)));
}

std::uint8_t IdmaBackend::word_enable(const Piece& p, std::uint32_t address) {
  std::uint8_t enable = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    enable |= static_cast<std::uint8_t>(address + i - p.target < p.bytes ? 1u << i : 0);
  }
  return enable;
}

bool IdmaBackend::begins_tcdm_read(Cycle::rep now) const {
  if (read_beat_.active || now < read_beat_.next ||
      (response_due_ && (response_held_ || !room(kRPort)))) {
    return false;
  }
  return piece(on_port_).source_l1 && (port_beat_ != 0 || (on_port_ == ar_at_port_ && any(kArOut)));
}

bool IdmaBackend::begins_tcdm_write(Cycle::rep now) const {
  return !write_beat_.active && now >= write_beat_.next && any(kWOut) && piece(w_port_).target_l1 &&
         (w_port_beat_ != 0 || any(kAwOut));
}

// Which of the two words of the write beat at the port have bytes to write.
std::uint8_t IdmaBackend::words_of_write() const {
  const Piece& p = piece(w_port_);
  const std::uint32_t address = (p.target & ~7u) + 8 * w_port_beat_;
  return static_cast<std::uint8_t>((word_enable(p, address) != 0 ? 1 : 0) |
                                   (word_enable(p, address + 4) != 0 ? 2 : 0));
}

std::uint32_t IdmaBackend::requests(Cycle::rep now, ClusterDma::Requests& out) const {
  std::uint32_t mask = 0;
  const std::uint8_t writes = write_beat_.active       ? write_beat_.pending
                              : begins_tcdm_write(now) ? words_of_write()
                                                       : std::uint8_t{0};
  for (unsigned i = 0; i < 2; ++i) {
    if ((writes >> i & 1) != 0) {
      const Piece& p = piece(w_port_);
      const std::uint32_t address = (p.target & ~7u) + 8 * w_port_beat_ + 4 * i;
      out[i] = {address, 0, word_enable(p, address), true};
      std::memcpy(&out[i].wdata, buffer(w_port_) + static_cast<std::int32_t>(address - p.target),
                  4);
      mask |= 1u << i;
    }
  }
  const std::uint8_t reads = read_beat_.active       ? read_beat_.pending
                             : begins_tcdm_read(now) ? std::uint8_t{3}
                                                     : std::uint8_t{0};
  for (unsigned i = 0; i < 2; ++i) {
    if ((reads >> i & 1) != 0) {
      out[2 + i] = {(piece(on_port_).source & ~7u) + 8 * port_beat_ + 4 * i, 0, 0xF, false};
      mask |= 4u << i;
    }
  }
  return mask;
}

IdmaWork IdmaBackend::commit(Cycle::rep now, std::uint32_t granted,
                             const std::array<std::uint32_t, ClusterDma::kPorts>& rdata) {
  IdmaWork work;
  if (idle()) {
    return work;
  }
  step_response(now, work);
  step_write_port(now, granted & 3, work);
  step_write_demux();
  step_write_machine(work);
  step_read_machine(work);
  step_aw_store();
  step_read_demux();
  step_read_port(now, granted >> 2, rdata.data() + 2, work);
  step_external_read(now, work);
  step_address_demux();
  step_legaliser(now, work);
  work.moved = tick() || work.moved || work.data || work.refused;
  return work;
}

bool IdmaBackend::tick() {
  // No field overflows: only what has room is pushed, what is there popped.
  const bool moved = (push_ | pop_ | lanes_push_ | lanes_pop_) != 0;
  entries_ += push_ - pop_;
  push_ = pop_ = 0;
  lanes_now_ += lanes_push_;
  lanes_now_ -= lanes_pop_;
  lanes_push_ = lanes_pop_ = 0;
  reads_open_ = static_cast<unsigned>(static_cast<int>(reads_open_) + reads_change_);
  writes_open_ = static_cast<unsigned>(static_cast<int>(writes_open_) + writes_change_);
  reads_change_ = writes_change_ = 0;
  first_beat_ = false;
  return moved;
}

// Responses: one cycle from the port to the demultiplexer, one more to the engine.
void IdmaBackend::step_response(Cycle::rep now, IdmaWork& work) {
  if (retired_ != answered_ && piece(retired_).answer + 2 <= now) {
    work.complete = piece(retired_).last;
    pop(kOpen);
    ++retired_;
  }
  if (answered_ != w_port_ && piece(answered_).answer != kNever.raw() &&
      piece(answered_).answer + 1 <= now) {
    ++answered_;
    --writes_change_;
    work.moved = true;
  }
}

void IdmaBackend::step_write_port(Cycle::rep now, std::uint32_t granted, IdmaWork& work) {
  // The external memory takes addresses at once; the TCDM takes one with the first beat.
  if (any(kAwOut) && !piece(aw_at_port_).target_l1) {
    pop(kAwOut);
    ++aw_at_port_;
  }
  if (begins_tcdm_write(now)) {
    write_beat_ = {true, words_of_write(), false, now};
    pop(kWOut);
    if (w_port_beat_ == 0) {
      pop(kAwOut);
      ++aw_at_port_;
    }
  } else if (!write_beat_.active) {
    if (any(kWOut) && !piece(w_port_).target_l1) {
      send_external(now, work);
    }
    work.moved = work.moved || write_beat_.next > now;
    return;
  }
  const std::uint8_t served = write_beat_.pending & granted;
  counters_.tcdm_writes += (served & 1) + (served >> 1);
  work.data = work.data || served != 0;
  work.refused = work.refused || served != write_beat_.pending;
  write_beat_.pending &= static_cast<std::uint8_t>(~served);
  if (write_beat_.pending != 0) {
    write_beat_.split = write_beat_.split || served != 0;
    return;
  }
  write_beat_.active = false;
  write_beat_.next = now + (write_beat_.split ? 2 : 1);
  Piece& p = piece(w_port_);
  if (++w_port_beat_ == p.target_beats) {
    w_port_beat_ = 0;
    ++w_port_;
    p.answer = std::max(now + 1, b_free_);
    b_free_ = p.answer + 1;
  }
}

void IdmaBackend::send_external(Cycle::rep now, IdmaWork& work) {
  pop(kWOut);
  work.data = true;
  if (w_port_beat_ == 0) {
    first_w_ = now;
  }
  Piece& p = piece(w_port_);
  if (++w_port_beat_ == p.target_beats) {
    w_port_beat_ = 0;
    const Cycle response =
        axi_->write(Address{p.target}, {buffer(w_port_), p.bytes}, {}, Cycle{first_w_}, Cycle{now});
    ++w_port_;
    ++counters_.bursts_write;
    counters_.bytes_out += p.bytes;
    p.answer = std::max(response.raw(), b_free_);
    b_free_ = p.answer + 1;
  }
}

// All bursts carry one AXI id: a burst to the other port waits until the earlier ones are answered.
void IdmaBackend::step_write_demux() {
  if (any(kAwIn) && room(kAwOut) && writes_open_ < kDemuxOpen &&
      (writes_open_ == 0 || piece(aw_passed_).target_l1 == piece(aw_passed_ - 1).target_l1)) {
    pop(kAwIn);
    push(kAwOut);
    ++aw_passed_;
    ++writes_change_;
  }
  if (any(kWIn) && room(kWOut) && w_passed_ != aw_passed_) {
    pop(kWIn);
    push(kWOut);
    if (++w_passed_beat_ == piece(w_passed_).target_beats) {
      w_passed_beat_ = 0;
      ++w_passed_;
    }
  }
}

void IdmaBackend::step_write_machine(IdmaWork& work) {
  if (!any(kWriteJobs) || !room(kWIn)) {
    return;
  }
  const Piece& p = piece(writing_);
  const std::uint64_t wanted = lanes(p.target, p.bytes, p.row_offset, writing_beat_);
  const std::uint64_t filled = (lanes_now_ | lanes_now_ >> 1) & kOnes;
  if ((filled & wanted) != wanted) {
    return;
  }
  lanes_pop_ = wanted;
  push(kWIn);
  work.data = true;
  if (++writing_beat_ == p.target_beats) {
    writing_beat_ = 0;
    ++writing_;
    pop(kWriteJobs);
  }
}

void IdmaBackend::step_read_machine(IdmaWork& work) {
  if (!any(kRIn)) {
    return;
  }
  const Piece& p = piece(reading_);
  const std::uint64_t wanted = lanes(p.source, p.bytes, p.row_offset, reading_beat_);
  const std::uint64_t full = lanes_now_ & lanes_now_ >> 1 & kOnes;  // three bytes in a lane
  if ((full & wanted) != 0) {
    return;
  }
  lanes_push_ = wanted;
  pop(kRIn);
  work.data = true;
  first_beat_ = reading_beat_ == 0;
  if (++reading_beat_ == p.source_beats) {
    reading_beat_ = 0;
    ++reading_;
    pop(kReadJobs);
  }
}

// A write address leaves when the first beat of its burst's data has come in.
void IdmaBackend::step_aw_store() {
  bool send = false;
  if (!any(kAwHeld)) {
    if (first_beat_) {
      send = true;
    } else if (aw_credits_ != 0) {
      send = true;
      --aw_credits_;
    }
  } else if (first_beat_) {
    ++aw_credits_;
  }
  if ((send || any(kAwHeld)) && room(kAwIn)) {
    pop(kAwStore);
    push(kAwIn);
    if (any(kAwHeld)) {
      pop(kAwHeld);
    }
  } else if (send) {
    push(kAwHeld);
  }
}

void IdmaBackend::step_read_demux() {
  if (!any(kRPort) || !room(kRIn)) {
    return;
  }
  pop(kRPort);
  push(kRIn);
  if (++r_passed_beat_ == piece(r_passed_).source_beats) {
    r_passed_beat_ = 0;
    ++r_passed_;
    --reads_change_;
  }
}

void IdmaBackend::step_read_port(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata,
                                 IdmaWork& work) {
  const bool begins = begins_tcdm_read(now);
  if (response_due_ && response_at_ <= now) {
    work.moved = true;
    if (room(kRPort)) {
      push(kRPort);
      response_due_ = false;
      if (response_held_) {
        read_beat_.next = std::max(read_beat_.next, now + 1);
        response_held_ = false;
      }
    } else {
      response_held_ = true;
    }
  }
  if (begins) {
    read_beat_ = {true, 3, false, now};
    if (port_beat_ == 0) {
      pop(kArOut);
      ++ar_at_port_;
    }
  } else if (!read_beat_.active) {
    work.moved = work.moved || read_beat_.next > now;
    return;
  }
  const Piece& p = piece(on_port_);
  const std::uint8_t served = read_beat_.pending & granted;
  for (unsigned i = 0; i < 2; ++i) {
    if ((served >> i & 1) != 0) {
      const std::uint32_t address = (p.source & ~7u) + 8 * port_beat_ + 4 * i;
      std::memcpy(buffer(on_port_) + static_cast<std::int32_t>(address - p.source), &rdata[i], 4);
      ++counters_.tcdm_reads;
    }
  }
  work.data = work.data || served != 0;
  work.refused = work.refused || served != read_beat_.pending;
  read_beat_.pending &= static_cast<std::uint8_t>(~served);
  if (read_beat_.pending != 0) {
    read_beat_.split = read_beat_.split || served != 0;
    return;
  }
  read_beat_.active = false;
  read_beat_.next = now + (read_beat_.split ? 2 : 1);
  response_due_ = true;
  response_at_ = now + 1;
  if (++port_beat_ == p.source_beats) {
    port_beat_ = 0;
    ++on_port_;
  }
}

void IdmaBackend::step_external_read(Cycle::rep now, IdmaWork& work) {
  if (any(kArOut) && !popped(kArOut) && !piece(ar_at_port_).source_l1) {
    pop(kArOut);
    Piece& p = piece(ar_at_port_);
    p.ready = axi_->read(Address{p.source}, {buffer(ar_at_port_), p.bytes}, Cycle{now}).raw();
    ++ar_at_port_;
    ++counters_.bursts_read;
    counters_.bytes_in += p.bytes;
  }
  if (on_port_ != ar_at_port_ && !piece(on_port_).source_l1 && room(kRPort) &&
      now >= std::max(piece(on_port_).ready, r_free_)) {
    push(kRPort);
    work.data = true;
    r_free_ = now + 1;
    if (++port_beat_ == piece(on_port_).source_beats) {
      port_beat_ = 0;
      ++on_port_;
    }
  }
}

void IdmaBackend::step_address_demux() {
  if (any(kArIn) && room(kArOut) && reads_open_ < kDemuxOpen &&
      (reads_open_ == 0 || piece(ar_passed_).source_l1 == piece(ar_passed_ - 1).source_l1)) {
    pop(kArIn);
    push(kArOut);
    ++ar_passed_;
    ++reads_change_;
  }
  if (any(kArHeld) && room(kArIn)) {
    pop(kArHeld);
    push(kArIn);
  }
}

Cycle::rep IdmaBackend::timed() const {
  Cycle::rep next = kNever.raw();
  if (on_port_ != ar_at_port_ && !piece(on_port_).source_l1 && room(kRPort)) {
    next = std::max(piece(on_port_).ready, r_free_);
  }
  if (retired_ != answered_) {
    next = std::min(next, piece(retired_).answer + 2);
  }
  if (answered_ != w_port_ && piece(answered_).answer != kNever.raw()) {
    next = std::min(next, piece(answered_).answer + 1);
  }
  return next;
}

bool IdmaBackend::waits_for_memory() const {
  return (on_port_ != ar_at_port_ && !piece(on_port_).source_l1) ||
         (retired_ != w_port_ && !piece(retired_).target_l1);
}

}  // namespace etude
