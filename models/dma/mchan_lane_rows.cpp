// SPDX-License-Identifier: Apache-2.0
// What happens once a row or a burst: rows are split off a transfer and unpacked into pieces of one
// burst each, and the bursts cross the AXI bus.
#include <algorithm>

#include "models/dma/mchan_lane.h"

namespace etude {

// The splitter, which has room for a row and something to do.
void MchanLane::split(Flow& flow, Cycle::rep now, MchanWork& work) {
  begun_or_ended();
  if (!splitting_) {
    if (transfers_[queue_tail_ % kTransfers].since >= now) {
      return;
    }
    split_ = transfers_[queue_tail_++ % kTransfers].transfer;
    splitting_ = true;
    first_row_ = true;
    left_ = split_.bytes;
    ext_left_ = split_.ext_2d ? std::min(split_.ext_count, left_) : left_;
    l1_left_ = split_.l1_2d ? std::min(split_.l1_count, left_) : left_;
    ext_base_ = split_.ext;
    l1_base_ = split_.l1;
    work.moved = true;
    return;
  }
  const std::uint32_t bytes = std::min({left_, ext_left_, l1_left_});
  left_ -= bytes;
  rows_[row_head_++ % 2] = {split_.l1,   split_.ext, bytes,      split_.id,
                            split_.core, first_row_, left_ == 0, split_.increment};
  first_row_ = false;
  flow.push(kRows);
  if (ext_left_ > bytes) {
    ext_left_ -= bytes;
    split_.ext += bytes;
  } else {
    ext_left_ = split_.ext_count;
    ext_base_ += split_.ext_stride;
    split_.ext = ext_base_;
  }
  if (l1_left_ > bytes) {
    l1_left_ -= bytes;
    split_.l1 += bytes;
  } else {
    l1_left_ = split_.l1_count;
    l1_base_ += split_.l1_stride;
    split_.l1 = l1_base_;
  }
  splitting_ = left_ != 0;
}

// The unpacker takes the next row.
void MchanLane::take_row(Flow& flow, MchanWork& work) {
  begun_or_ended();
  flow.pop(kRows);
  row_ = rows_[row_tail_++ % 2];
  unpacking_ = true;
  first_piece_ = true;
  const bool crosses = row_.ext / burst_ != (row_.ext + row_.bytes - 1) / burst_;
  pieces_left_ = 1;
  if (crosses) {
    // The hardware counts bytes minus one: a single byte behind the last full burst stays with it.
    const std::uint32_t rest = row_.bytes - (burst_ - row_.ext % burst_) - 1;
    pieces_left_ += rest / burst_ + (rest % burst_ != 0 ? 1 : 0);
  }
  if (row_.first) {
    work.accepted |= 1u << row_.core;
  }
}

void MchanLane::make_piece(Flow& flow) {
  begun_or_ended();
  --pieces_left_;
  std::uint32_t bytes = row_.bytes;
  if (pieces_left_ != 0) {
    bytes = first_piece_ ? burst_ - row_.ext % burst_ : burst_;
  }
  Piece& p = piece(made_++);
  p.l1 = row_.l1;
  p.ext = row_.ext;
  p.bytes = bytes;
  p.ext_beats = static_cast<std::uint16_t>(((row_.ext & 7) + bytes + 7) / 8);
  p.l1_beats = static_cast<std::uint16_t>(((row_.l1 & 7) + bytes + 7) / 8);
  p.id = row_.id;
  p.last = row_.last && pieces_left_ == 0;
  p.ready = 0;
  row_.l1 += bytes;
  row_.ext += row_.increment ? bytes : 0;
  row_.bytes -= bytes;
  first_piece_ = false;
  unpacking_ = pieces_left_ != 0;
  flow.push(kExtCommand);
  if (!to_l1_) {
    flow.push(kTcdmCommand);
    flow.push(kAlign);
  }
}

void MchanLane::load_aligner(Flow& flow) {
  begun_or_ended();
  flow.pop(kAlign);
  const Piece& p = piece(aligned_++);
  const std::uint32_t source = (to_l1_ ? p.ext : p.l1) & 7;
  const std::uint32_t target = (to_l1_ ? p.l1 : p.ext) & 7;
  const std::uint32_t last = (p.bytes - 1) & 7;
  const bool source_fits = source + last < 8;
  const bool target_fits = target + last < 8;
  // The second input beat need not be in before the first output leaves.
  skip_second_ = target > source ? source_fits || !target_fits : source_fits && !target_fits;
  inputs_left_ = to_l1_ ? p.ext_beats : p.l1_beats;
  outputs_left_ = to_l1_ ? p.l1_beats : p.ext_beats;
  align_ = Align::kFirst;
}

// The address that was issued in the last cycle is on the bus now.
void MchanLane::read_burst(Cycle::rep now) {
  begun_or_ended();
  Piece& p = piece(asked_);
  p.ready = axi_->read(Address{p.ext}, {buffer(asked_) + kMargin, p.bytes}, Cycle{now}).raw();
  ++asked_;
  ++counters_.bursts;
  counters_.bytes += p.bytes;
}

// The last beat of a burst left in the last cycle.
void MchanLane::write_burst(Cycle::rep now, MchanWork& work) {
  begun_or_ended();
  Piece& p = piece(asked_);
  const Cycle response = axi_->write(Address{p.ext}, {buffer(asked_) + kMargin, p.bytes}, {},
                                     Cycle{first_w_}, Cycle{now});
  p.ready = response.raw() + 2;
  ++asked_;
  ++counters_.bursts;
  counters_.bytes += p.bytes;
  write_due_ = false;
  if (p.last) {
    work.finish(p.id, p.ready);
    --alive_;
  }
}

}  // namespace etude
