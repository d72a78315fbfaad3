// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <utility>
#include <vector>

#include "models/redmule/run.h"

namespace etude {

/// Beats of a whole job whose every request is granted. The control does not depend on data, so
/// that jobs of one shape repeat it exactly: it is stepped once and played back afterwards, with
/// the data of the day. Snapshots of the control let any job leave the playback in any cycle, and a
/// job whose requests were refused come back to it.
class RedmuleRecording {
 public:
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 22;

  struct Beat {
    std::uint32_t cycle;  ///< from the first cycle of the job
    RedmuleStream stream;
  };

  /// Steps the job's control to its end. `usable()` is false if it does not end by itself within
  /// kLongest cycles or would hand out rows of Z before their operands are there.
  RedmuleRecording(const RedmuleJob& job, const RedmulePlan& plan, std::uint64_t silence_limit,
                   RedmuleAutomaton* automaton = nullptr);

  bool usable() const { return usable_; }
  bool matches(const RedmuleJob& job, const RedmulePlan& plan) const {
    return plan_ == plan && m_ == job.m && n_ == job.n && k_ == job.k;
  }
  /// Cycles from the first to the one that raises the done event, both counted.
  std::uint64_t length() const { return length_; }
  const std::vector<Beat>& beats() const { return beats_; }
  /// The run after `cycles` cycles.
  RedmuleRun state_after(std::uint64_t cycles) const;
  /// The number of the first beat in cycle `cycle` or behind it.
  std::size_t beat_at(std::uint64_t cycle) const;
  /// Snapshots, one every interval() cycles from 0 on.
  const std::vector<RedmuleRun>& snapshots() const { return snapshots_; }
  std::uint64_t interval() const { return interval_; }
  std::size_t memory() const;

 private:
  RedmulePlan plan_;
  std::uint32_t m_, n_, k_;
  bool usable_ = false;
  std::uint64_t length_ = 0;
  std::vector<Beat> beats_;
  static constexpr std::size_t kMostSnapshots = 2048;
  std::uint64_t interval_ = 4;  ///< doubled each time there are too many
  std::vector<RedmuleRun> snapshots_;
  RedmuleRun final_;
};

/// The recordings of the last shapes, and where the playback of the running job stands.
class RedmuleRecorder {
 public:
  /// The recording of this shape, made on first use; nullptr if there cannot be one.
  const RedmuleRecording* find(const RedmuleJob& job, const RedmulePlan& plan,
                               std::uint64_t silence_limit);
  /// The same, made when the shape comes for the second time.
  const RedmuleRecording* find_again(const RedmuleJob& job, const RedmulePlan& plan,
                                     std::uint64_t silence_limit);
  /// What the control of such a job has done before.
  RedmuleAutomaton* automaton(const RedmulePlan& plan) {
    return uses_automata ? automata_.find(plan) : nullptr;
  }
  /// Plays `recording` from cycle `from` on.
  void play(const RedmuleRecording& recording, std::uint64_t from) {
    playing = &recording;
    position = from;
    beat = recording.beat_at(from);
  }

  bool uses_automata = false;
  const RedmuleRecording* playing = nullptr;
  std::uint64_t position = 0;  ///< cycles played
  std::size_t beat = 0;        ///< beats played
  /// What the running job, which has left this recording or never followed it, may come back to.
  const RedmuleRecording* candidate = nullptr;
  std::size_t next_snapshot = 0;  ///< of the candidate: the first with as many busy cycles or more
  std::uint64_t next_busy = 0;    ///< so many; the job need not look before it has had them

 private:
  static constexpr std::size_t kMemory = std::size_t{64} << 20;
  const RedmuleRecording* known(const RedmuleJob& job, const RedmulePlan& plan);

  RedmuleAutomata automata_;
  std::list<RedmuleRecording> recordings_;               // most recently used first
  std::deque<std::pair<RedmuleJob, RedmulePlan>> seen_;  // once, the last ones
  std::size_t memory_ = 0;
};

}  // namespace etude
