// SPDX-License-Identifier: Apache-2.0
// Stretches in which RedMulE has the memory to itself.
#include <algorithm>
#include <cstring>

#include "models/redmule/recorder.h"
#include "models/redmule/redmule.h"

namespace etude {
namespace {

// Leaving a recording steps the control from its last snapshot: short stretches are stepped at
// once.
constexpr std::uint64_t kWorthJoining = 128;

}  // namespace

void Redmule::transfer(RedmuleStream stream, const RedmuleMemory& memory, RedmuleAdvance& out) {
  std::uint32_t offset = data_.address(stream) - memory.base;
  if (offset >= memory.size) {
    offset %= memory.size;
  }
  ++(stream == RedmuleStream::kZ ? out.write_beats : out.read_beats);
  move(stream, memory.bytes + offset, memory.size - offset, memory.bytes);
}

void Redmule::move(RedmuleStream stream, std::uint8_t* at, std::size_t bytes_before_wrap,
                   std::uint8_t* start) {
  const bool wraps = port_bytes_ > bytes_before_wrap;
  const auto byte_at = [=](std::size_t i) {
    return i < bytes_before_wrap ? at + i : start + (i - bytes_before_wrap);
  };
  if (stream == RedmuleStream::kZ) {
    unsigned first = 0, count = 0;
    const std::uint8_t* bytes = data_.z_data(first, count);
    if (!wraps) {
      std::memcpy(at + first, bytes + first, count);
    } else {
      for (unsigned i = first; i < first + count; ++i) {
        *byte_at(i) = bytes[i];
      }
    }
    data_.z_granted();
    return;
  }
  if (!wraps) {
    data_.take(stream, at);
    return;
  }
  std::uint8_t bytes[512];
  for (unsigned i = 0; i < port_bytes_; ++i) {
    bytes[i] = *byte_at(i);
  }
  data_.take(stream, bytes);
}

std::uint64_t Redmule::replay(std::uint64_t now, std::uint64_t cycles, const RedmuleMemory& memory,
                              RedmuleAdvance& out) {
  RedmuleRecorder& r = *recorder_;
  const RedmuleRecording& recording = *r.playing;
  const std::uint64_t until = std::min(r.position + cycles, recording.length());
  const std::vector<RedmuleRecording::Beat>& beats = recording.beats();
  while (r.beat < beats.size() && beats[r.beat].cycle < until) {
    transfer(beats[r.beat].stream, memory, out);
    ++r.beat;
  }
  const std::uint64_t taken = until - r.position;
  r.position = until;
  next_ = now + taken;
  if (until == recording.length()) {
    stop_replay();
    raise_done(next_ - 1);
    close_job(next_ - 1);
  }
  return taken;
}

// A job that was never refused so far stands where its recording stands after as many cycles.
void Redmule::join_recording(std::uint64_t now) {
  if (run_.tally().refused != 0) {
    return;
  }
  RedmuleRecorder& r = *recorder_;
  r.playing = r.find(job_, plan_, silence_limit_);
  if (r.playing == nullptr) {
    return;
  }
  r.play(*r.playing, now - start_at_);
  run_ = new_run();
  run_.add_start_cycles(waited_);
}

void Redmule::stop_replay() {
  if (recorder_->playing == nullptr) {
    return;
  }
  RedmuleRecorder& r = *recorder_;
  const RedmuleTally besides = run_.tally();
  run_ = r.playing->state_after(r.position);
  run_.add(besides);
  r.candidate = follows_ && r.position != r.playing->length() ? r.playing : nullptr;
  r.next_snapshot = r.position / r.playing->interval();
  r.next_busy = 0;
  r.playing = nullptr;
}

// One cycle of the recording was played, up to `now`.
void Redmule::play_on(std::uint64_t now) {
  RedmuleRecorder& r = *recorder_;
  next_ = now + 1;
  if (++r.position == r.playing->length()) {
    stop_replay();
    raise_done(now);
    close_job(now);
  }
}

// A refused request delays what comes after it, and is made up for, or the array has stood still
// meanwhile: as soon as the control is in the state that its recording had after as many busy
// cycles, it goes on as recorded.
void Redmule::come_back_to_recording() {
  RedmuleRecorder& r = *recorder_;
  const std::vector<RedmuleRun>& snapshots = r.candidate->snapshots();
  const std::uint64_t busy = run_.tally().busy;
  while (r.next_snapshot < snapshots.size() && snapshots[r.next_snapshot].tally().busy < busy) {
    ++r.next_snapshot;
  }
  r.next_busy = r.next_snapshot == snapshots.size() ? ~std::uint64_t{0}
                                                    : snapshots[r.next_snapshot].tally().busy;
  if (r.next_busy != busy || !snapshots[r.next_snapshot].same_state(run_)) {
    return;
  }
  const RedmuleRun& snapshot = snapshots[r.next_snapshot];
  r.play(*r.candidate, r.next_snapshot * r.candidate->interval());
  RedmuleTally besides = run_.tally();
  besides -= snapshot.tally();
  run_ = new_run();
  run_.add(besides);
}

RedmuleTally Redmule::tally() const {
  RedmuleTally sum = tally_;
  sum += run_.tally();
  if (recorder_->playing != nullptr) {
    sum += recorder_->playing->state_after(recorder_->position).tally();
  }
  return sum;
}

RedmuleAdvance Redmule::advance_uncontended(Cycle now, std::uint64_t max_cycles,
                                            const RedmuleMemory& memory) {
  RedmuleAdvance out;
  while (out.cycles < max_cycles && mode_ != Mode::kIdle && mode_ != Mode::kHung) {
    const std::uint64_t cycle = now.raw() + out.cycles;
    const std::uint64_t left = max_cycles - out.cycles;
    if (cycle < next_) {  // the tiler and the controller are at work
      out.cycles += std::min(left, next_ - cycle);
      continue;
    }
    if (mode_ == Mode::kWaiting) {
      begin();
    }
    if (recordings_ && recorder_->playing == nullptr && mode_ == Mode::kRunning &&
        left >= kWorthJoining) {
      join_recording(cycle);
    }
    const std::uint64_t done_before = done_at_;
    if (recorder_->playing != nullptr) {
      out.cycles += replay(cycle, left, memory, out);
    } else {
      const RedmuleStream stream = stream_now();
      if (stream != RedmuleStream::kNone) {
        transfer(stream, memory, out);
      }
      step(cycle, stream, true);
      ++out.cycles;
    }
    if (done_at_ != done_before) {
      break;
    }
  }
  return out;
}

}  // namespace etude
