// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/recorder.h"

#include <algorithm>
#include <array>

namespace etude {

RedmuleRecording::RedmuleRecording(const RedmuleJob& job, const RedmulePlan& plan,
                                   std::uint64_t silence_limit)
    : plan_(plan), m_(job.m), n_(job.n), k_(job.k) {
  RedmuleRun run(job, plan);
  std::array<std::uint64_t, 4> count{};
  std::uint64_t silence = 0;
  for (std::uint64_t cycle = 0; cycle < kLongest; ++cycle) {
    if (cycle % kInterval == 0) {
      snapshots_.push_back(run);
    }
    const RedmuleStream stream = run.request();
    if (stream == RedmuleStream::kNone) {
      if (++silence > silence_limit) {
        return;
      }
    } else {
      silence = 0;
      beats_.push_back({static_cast<std::uint32_t>(cycle), stream});
      const std::uint64_t tile = count[3] / plan.width;
      if (stream == RedmuleStream::kZ && count[3] % plan.width == 0) {
        const std::uint64_t whole = (tile + 1) / plan.column_blocks;  // row blocks that are done
        const std::uint64_t part = (tile + 1) % plan.column_blocks;
        const auto rows = [&](std::uint64_t block) {
          return block + 1 >= plan.row_blocks && plan.x_rows_left != 0 ? plan.x_rows_left
                                                                       : plan.width;
        };
        std::uint64_t x_rows = part * rows(whole);
        x_rows += std::min<std::uint64_t>(whole * plan.width, job.m) * plan.column_blocks;
        if (count[0] < x_rows * plan.x_blocks || count[1] < (tile + 1) * plan.w_rows ||
            (plan.loads_y && count[2] < (tile + 1) * plan.width)) {
          return;
        }
      }
      ++count[static_cast<unsigned>(stream)];
    }
    if (run.step(stream, true)) {
      length_ = cycle + 1;
      usable_ = count[3] == plan.z_beats;
      final_ = run;
      return;
    }
  }
}

RedmuleRun RedmuleRecording::state_after(std::uint64_t cycles) const {
  if (cycles == length_) {
    return final_;
  }
  const std::size_t index = std::min<std::size_t>(cycles / kInterval, snapshots_.size() - 1);
  RedmuleRun run = snapshots_[index];
  for (std::uint64_t cycle = index * kInterval; cycle < cycles; ++cycle) {
    run.step(run.request(), true);
  }
  return run;
}

std::size_t RedmuleRecording::memory() const {
  return beats_.capacity() * sizeof(Beat) + snapshots_.capacity() * sizeof(RedmuleRun) +
         sizeof *this;
}

const RedmuleRecording* RedmuleRecorder::find(const RedmuleJob& job, const RedmulePlan& plan,
                                              std::uint64_t silence_limit) {
  for (auto it = recordings_.begin(); it != recordings_.end(); ++it) {
    if (it->matches(job, plan)) {
      recordings_.splice(recordings_.begin(), recordings_, it);
      return it->usable() ? &*it : nullptr;
    }
  }
  recordings_.emplace_front(job, plan, silence_limit);
  memory_ += recordings_.front().memory();
  while (memory_ > kMemory && recordings_.size() > 1) {
    memory_ -= recordings_.back().memory();
    recordings_.pop_back();
  }
  return recordings_.front().usable() ? &recordings_.front() : nullptr;
}

}  // namespace etude
