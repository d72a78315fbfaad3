// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/dma/cluster_dma.h"
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
  /// The SoC DMA works in cycle `now`, or does not.
  void soc_dma(bool working, std::uint64_t now);

 private:
  struct Open {
    bool open{false};
    std::uint64_t begin{0};
    std::string name;
  };
  void open(std::size_t track, std::uint64_t now, std::string name);
  void close(std::size_t track, std::uint64_t now);
  void done(const std::vector<std::uint32_t>& ops, std::size_t n, std::uint64_t now);
  std::string label(const std::vector<std::uint32_t>& ops, std::size_t n) const;

  const Job& job_;
  Timeline& timeline_;
  std::size_t first_track_;
  std::size_t harts_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> kernels_, jobs_;  ///< operations posted to the cores, to RedMulE
  std::vector<std::size_t> kernels_begun_;     ///< in this step, per hart
  std::size_t jobs_begun_{0};
  unsigned jobs_waiting_{0};
};

}  // namespace etude
