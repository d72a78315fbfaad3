// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run_timeline.h"

#include <algorithm>

#include "kernels/include/etude_kernels.h"
#include "run/execute/l1_occupancy.h"
#include "run/execute/trace_operations.h"

namespace etude::run {
namespace {

/// "wait for redmule", "post DMA in, 4096 B".
struct NameOfOperation {
  std::string operator()(const End&) const { return "end of the step"; }
  std::string operator()(const Wait& wait) const {
    const char* const units[kUnits] = {"cores", "redmule", "dma", "soc_dma"};
    return std::string("wait for ") + units[static_cast<unsigned>(wait.unit)];
  }
  std::string operator()(const KernelCall& call) const {
    return std::string("post ") + etude_kernel_name(call.kernel);
  }
  std::string operator()(const Transfer& transfer) const {
    return (transfer.to_l1 ? "post DMA in, " : "post DMA out, ") +
           std::to_string(transfer.bytes()) + " B";
  }
  std::string operator()(const PageTransfer& page) const {
    return "post page, " + std::to_string(page.bytes) + " B";
  }
  std::string operator()(const FlashErase& erase) const {
    return "post erase, " + std::to_string(erase.bytes) + " B";
  }
  std::string operator()(const MatrixJob& job) const {
    return "post RedMulE " + std::to_string(job.m) + "x" + std::to_string(job.n) + "x" +
           std::to_string(job.k);
  }
};

TraceTrack step_track(const RunRecord& record) {
  TraceTrack track{"steps", {}};
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    const StepRecord& step = record.steps[i];
    track.spans.push_back({step.begin, step.begin + step.cycles, "step " + std::to_string(i + 1)});
  }
  return track;
}

/// What the controller's operations belong to; neighbours of one layer are one span.
TraceTrack layer_track(const RunFacts& facts, const RunRecord& record) {
  TraceTrack track{"layers", {}};
  for (const StepRecord& step : record.steps) {
    std::uint32_t last = ~0u;
    for (const OpSegment& segment : step.segments) {
      const std::uint32_t layer = facts.op_layer.at(segment.op);
      if (layer == last) {
        track.spans.back().end = step.begin + segment.end;
      } else {
        track.spans.push_back(
            {step.begin + segment.begin, step.begin + segment.end, facts.layers.at(layer).name});
      }
      last = layer;
    }
  }
  return track;
}

TraceTrack operation_track(const Program& program, const RunRecord& record) {
  TraceTrack track{"task list", {}};
  for (const StepRecord& step : record.steps) {
    for (const OpSegment& segment : step.segments) {
      track.spans.push_back(
          {step.begin + segment.begin, step.begin + segment.end,
           std::visit(NameOfOperation{}, program.tasks.operations.at(segment.op).what)});
    }
  }
  return track;
}

TraceCounter memory_counter(const Program& program, const RunRecord& record) {
  TraceCounter counter{"L2 in use", "B", {}};
  const std::vector<std::uint32_t>& used = program.l2_used;
  for (const StepRecord& step : record.steps) {
    for (const OpSegment& segment : step.segments) {
      const double bytes = segment.op < used.size() ? used[segment.op] : 0;
      if (segment.op < used.size() &&
          (counter.values.empty() || counter.values.back().second != bytes)) {
        counter.values.emplace_back(step.begin + segment.begin, bytes);
      }
    }
  }
  return counter;
}
}  // namespace

void complete_timeline(const Plan& plan, const RunRecord& record, Timeline& timeline) {
  const RunFacts facts = plan.facts();
  timeline.title = facts.title;
  timeline.clock_hz = plan.config().platform.cluster.clock_hz;
  const auto first = {step_track(record), layer_track(facts, record),
                      operation_track(plan.program(), record)};
  timeline.tracks.insert(timeline.tracks.begin(), first.begin(), first.end());
  trace_operations(plan.program(), record, timeline);
  const auto memories = {l1_occupancy(plan.program(), record, timeline),
                         memory_counter(plan.program(), record)};
  timeline.counters.insert(timeline.counters.begin(), memories.begin(), memories.end());
}

}  // namespace etude::run
