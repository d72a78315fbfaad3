// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/recorder.h"

#include <algorithm>
#include <array>

namespace etude {

namespace {

/// Which tile the next beat of each stream belongs to, from the numbers of beats alone.
class Progress {
 public:
  explicit Progress(const RedmulePlan& plan) : plan_(plan) {}
  std::uint64_t tile(RedmuleStream stream) const { return at(stream).tile; }
  /// The data path would accept this beat: operands are there, and none still needed is lost.
  bool acceptable(RedmuleStream stream) const {
    const std::uint64_t z = tile(RedmuleStream::kZ);
    if (stream != RedmuleStream::kZ) {
      return tile(stream) < z + kRedmuleTilesInFlight;
    }
    return tile(RedmuleStream::kX) > z && tile(RedmuleStream::kW) > z &&
           (!plan_.loads_y || tile(RedmuleStream::kY) > z);
  }
  void count(RedmuleStream stream) {
    Position& p = positions_[static_cast<unsigned>(stream)];
    if (++p.beats == beats_per_tile(stream, p.tile)) {
      p.beats = 0;
      ++p.tile;
    }
  }

 private:
  struct Position {
    std::uint64_t tile = 0, beats = 0;
  };
  const Position& at(RedmuleStream stream) const {
    return positions_[static_cast<unsigned>(stream)];
  }
  std::uint64_t beats_per_tile(RedmuleStream stream, std::uint64_t tile) const {
    if (stream == RedmuleStream::kW) {
      return plan_.w_rows;
    }
    if (stream != RedmuleStream::kX) {
      return plan_.width;
    }
    const bool last = tile / plan_.column_blocks % plan_.row_blocks + 1 == plan_.row_blocks;
    const std::uint64_t rows = last && plan_.x_rows_left != 0 ? plan_.x_rows_left : plan_.width;
    return rows * plan_.x_blocks;
  }

  const RedmulePlan& plan_;
  std::array<Position, 4> positions_;
};

}  // namespace

RedmuleRecording::RedmuleRecording(const RedmuleJob& job, const RedmulePlan& plan,
                                   std::uint64_t silence_limit, RedmuleAutomaton* automaton)
    : plan_(plan), m_(job.m), n_(job.n), k_(job.k) {
  RedmuleRun run(job, plan, automaton);
  Progress progress(plan);
  std::uint64_t silence = 0;
  for (std::uint64_t cycle = 0; cycle < kLongest; ++cycle) {
    if (cycle % interval_ == 0) {
      if (snapshots_.size() == kMostSnapshots) {
        for (std::size_t i = 0; 2 * i < kMostSnapshots; ++i) {
          snapshots_[i] = snapshots_[2 * i];
        }
        snapshots_.resize(kMostSnapshots / 2);
        interval_ *= 2;
      }
      snapshots_.push_back(run);
    }
    const RedmuleStream stream = run.request();
    if (stream == RedmuleStream::kNone) {
      if (++silence > silence_limit) {
        return;
      }
    } else {
      silence = 0;
      if (!progress.acceptable(stream)) {
        return;
      }
      progress.count(stream);
      beats_.push_back({static_cast<std::uint32_t>(cycle), stream});
    }
    if (run.step(stream, true)) {
      length_ = cycle + 1;
      usable_ = progress.tile(RedmuleStream::kZ) == plan.tiles();
      final_ = run;
      return;
    }
  }
}

RedmuleRun RedmuleRecording::state_after(std::uint64_t cycles) const {
  if (cycles == length_) {
    return final_;
  }
  const std::size_t index = std::min<std::size_t>(cycles / interval_, snapshots_.size() - 1);
  RedmuleRun run = snapshots_[index];
  for (std::uint64_t cycle = index * interval_; cycle < cycles; ++cycle) {
    run.step(run.request(), true);
  }
  return run;
}

std::size_t RedmuleRecording::beat_at(std::uint64_t cycle) const {
  return static_cast<std::size_t>(
      std::partition_point(beats_.begin(), beats_.end(),
                           [cycle](const Beat& beat) { return beat.cycle < cycle; }) -
      beats_.begin());
}

std::size_t RedmuleRecording::memory() const {
  return beats_.capacity() * sizeof(Beat) + snapshots_.capacity() * sizeof(RedmuleRun) +
         sizeof *this;
}

const RedmuleRecording* RedmuleRecorder::known(const RedmuleJob& job, const RedmulePlan& plan) {
  for (auto it = recordings_.begin(); it != recordings_.end(); ++it) {
    if (it->matches(job, plan)) {
      recordings_.splice(recordings_.begin(), recordings_, it);
      return &*it;
    }
  }
  return nullptr;
}

const RedmuleRecording* RedmuleRecorder::find_again(const RedmuleJob& job, const RedmulePlan& plan,
                                                    std::uint64_t silence_limit) {
  constexpr std::size_t kRemembered = 64;
  if (const RedmuleRecording* found = known(job, plan)) {
    return found->usable() ? found : nullptr;
  }
  const bool seen = std::ranges::any_of(seen_, [&](const auto& shape) {
    return shape.second == plan && shape.first.m == job.m && shape.first.n == job.n &&
           shape.first.k == job.k;
  });
  if (seen) {
    return find(job, plan, silence_limit);
  }
  seen_.emplace_back(job, plan);
  if (seen_.size() > kRemembered) {
    seen_.pop_front();
  }
  return nullptr;
}

const RedmuleRecording* RedmuleRecorder::find(const RedmuleJob& job, const RedmulePlan& plan,
                                              std::uint64_t silence_limit) {
  if (const RedmuleRecording* found = known(job, plan)) {
    return found->usable() ? found : nullptr;
  }
  recordings_.emplace_front(job, plan, silence_limit, automaton(plan));
  memory_ += recordings_.front().memory();
  while (memory_ > kMemory && recordings_.size() > 1) {
    memory_ -= recordings_.back().memory();
    recordings_.pop_back();
  }
  return recordings_.front().usable() ? &recordings_.front() : nullptr;
}

}  // namespace etude
