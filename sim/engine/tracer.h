// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/dma/cluster_dma.h"
#include "sim/engine/accounting.h"
#include "sim/engine/job.h"
#include "sim/trace/timeline.h"

namespace etude {

/// Draws a run while it happens: a track per hart, for RedMulE, for each direction of the cluster
/// DMA and for the SoC DMA. Workers and RedMulE execute the task list's operations in order, so the
/// n-th kernel or job that a unit takes in a step is the n-th operation posted to it; that gives
/// the spans their names.
class Tracer {
 public:
  /// `harts`: names of the harts. The tracks are added to `timeline`.
  Tracer(const Job& job, const std::vector<std::string>& harts, Timeline& timeline);

  void begin_step();
  /// The first sample of a step.
  void begin_samples(Snapshot at) { sampled_ = std::move(at); }
  /// Behind the last sample of a step nothing stalls.
  void end_samples();
  void end_step(std::uint64_t now);
  /// The controller `hart` starts operation `op`.
  void begin_op(unsigned hart, std::uint32_t op, std::uint64_t now);
  /// Worker `hart` has taken a kernel from the dispatch FIFO; asks for the next one.
  void kernel_begins(unsigned hart, std::uint64_t now);
  void kernel_ends(unsigned hart, std::uint64_t now);
  /// A RedMulE job was triggered; a job is done.
  void job_triggered(std::uint64_t now);
  void job_done(std::uint64_t now);
  void transfer(const DmaRecord& record);
  /// The SoC DMA works in cycle `now`, or does not; `completed`: transfers since reset.
  void soc_dma(bool working, std::uint32_t completed, std::uint64_t now);
  /// Whether stalls are drawn.
  bool samples() const { return timeline_.stalls; }
  /// Stalled cycles since the last sample of the step, as the part of that time.
  void sample(const Accounting& books, Snapshot at);

 private:
  struct Open {
    bool open{false};
    std::uint64_t begin{0};
    std::string name;
    std::uint32_t op{TraceSpan::kNoOperation};
  };
  void open(std::size_t track, std::uint64_t now, std::string name,
            std::uint32_t op = TraceSpan::kNoOperation);
  void close(std::size_t track, std::uint64_t now);
  void done(const std::vector<std::uint32_t>& ops, std::size_t n, std::uint64_t now);
  void open_work(std::size_t track, std::uint64_t now, const std::vector<std::uint32_t>& ops,
                 std::size_t n);
  std::string label(const std::vector<std::uint32_t>& ops, std::size_t n) const;
  void set(const std::string& name, Cycle when, double value);

  const Job& job_;
  Timeline& timeline_;
  std::size_t first_track_;
  std::size_t harts_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> kernels_, jobs_;  ///< operations posted to the cores, to RedMulE
  std::vector<std::size_t> kernels_begun_;     ///< in this step, per hart
  std::size_t jobs_begun_{0};
  unsigned jobs_waiting_{0};
  std::uint32_t soc_completed_{0};
  Snapshot sampled_;
  std::map<std::string, std::size_t> counter_of_;  ///< place among the timeline's counters
};

}  // namespace etude
