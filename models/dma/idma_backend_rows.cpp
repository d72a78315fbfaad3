// SPDX-License-Identifier: Apache-2.0
// The legaliser: rows are taken off the queue of transfers and cut into bursts.
#include <algorithm>

#include "models/dma/idma_backend.h"

namespace etude {

void IdmaBackend::step_legaliser(Cycle::rep now, IdmaWork& work) {
  if (!room(kReadJobs) || !room(kWriteJobs) || !room(kOpen) || !room(kAwStore) || any(kArHeld)) {
    return;
  }
  if (legal_) {
    make_piece();
  }
  if (!legal_ && load_row(now)) {
    work.moved = true;
  }
}

void IdmaBackend::make_piece() {
  const std::uint32_t bytes = std::min({left_, kPage - source_ % kPage, kPage - target_ % kPage});
  left_ -= bytes;
  Piece& p = piece(made_++);
  p.source = source_;
  p.target = target_;
  p.bytes = bytes;
  p.row_offset = row_offset_;
  p.source_beats = static_cast<std::uint16_t>(((source_ & 7) + bytes + 7) / 8);
  p.target_beats = static_cast<std::uint16_t>(((target_ & 7) + bytes + 7) / 8);
  p.source_l1 = in_l1(source_);
  p.target_l1 = in_l1(target_);
  p.last = last_row_ && left_ == 0;
  p.ready = 0;
  p.answer = kNever.raw();
  source_ += bytes;
  target_ += bytes;
  row_offset_ += bytes;
  legal_ = left_ != 0;
  push(kReadJobs);
  push(kWriteJobs);
  push(kOpen);
  push(kAwStore);
  push(room(kArIn) ? kArIn : kArHeld);
}

bool IdmaBackend::load_row(Cycle::rep now) {
  if (queue_tail_ == queue_head_ || transfers_[queue_tail_ % kTransfers].since >= now) {
    return false;
  }
  const IdmaTransfer& t = transfers_[queue_tail_ % kTransfers].transfer;
  legal_ = true;
  source_ = t.source + row_ * t.source_stride;
  target_ = t.target + row_ * t.target_stride;
  left_ = t.bytes;
  row_offset_ = 0;
  last_row_ = ++row_ == t.rows;
  if (last_row_) {
    row_ = 0;
    ++queue_tail_;
  }
  return true;
}

}  // namespace etude
