// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "models/redmule/run.h"

namespace etude {

/// Beats of a whole job whose every request is granted. The control does not depend on data, so
/// that jobs of one shape repeat it exactly: it is stepped once and played back afterwards, with
/// the data of the day. A snapshot of the control every `kInterval` cycles lets any job leave the
/// playback in any cycle.
class RedmuleRecording {
 public:
  static constexpr std::uint64_t kInterval = 1024;
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 22;

  struct Beat {
    std::uint32_t cycle;  ///< from the first cycle of the job
    RedmuleStream stream;
  };

  /// Steps the job's control to its end. `usable()` is false if it does not end by itself within
  /// kLongest cycles or would hand out rows of Z before their operands are there.
  RedmuleRecording(const RedmuleJob& job, const RedmulePlan& plan, std::uint64_t silence_limit);

  bool usable() const { return usable_; }
  bool matches(const RedmuleJob& job, const RedmulePlan& plan) const {
    return plan_ == plan && m_ == job.m && n_ == job.n && k_ == job.k;
  }
  /// Cycles from the first to the one that raises the done event, both counted.
  std::uint64_t length() const { return length_; }
  const std::vector<Beat>& beats() const { return beats_; }
  /// The run after `cycles` cycles.
  RedmuleRun state_after(std::uint64_t cycles) const;
  std::size_t memory() const;

 private:
  RedmulePlan plan_;
  std::uint32_t m_, n_, k_;
  bool usable_ = false;
  std::uint64_t length_ = 0;
  std::vector<Beat> beats_;
  std::vector<RedmuleRun> snapshots_;
  RedmuleRun final_;
};

/// The recordings of the last shapes, and where the playback of the running job stands.
class RedmuleRecorder {
 public:
  /// The recording of this shape, made on first use; nullptr if there cannot be one.
  const RedmuleRecording* find(const RedmuleJob& job, const RedmulePlan& plan,
                               std::uint64_t silence_limit);

  const RedmuleRecording* playing = nullptr;
  std::uint64_t position = 0;  ///< cycles played
  std::size_t beat = 0;        ///< beats played

 private:
  static constexpr std::size_t kMemory = std::size_t{64} << 20;
  std::list<RedmuleRecording> recordings_;  // most recently used first
  std::size_t memory_ = 0;
};

}  // namespace etude
