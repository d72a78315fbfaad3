// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run_timeline.h"

#include <algorithm>

#include "run/execute/l1_occupancy.h"

namespace etude {
namespace {

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

TraceTrack operation_track(const TrainingSetup& setup, const RunRecord& record) {
  const std::vector<std::string> names = setup.op_names();
  TraceTrack track{"task list", {}};
  for (const StepRecord& step : record.steps) {
    for (const OpSegment& segment : step.segments) {
      track.spans.push_back(
          {step.begin + segment.begin, step.begin + segment.end, names.at(segment.op)});
    }
  }
  return track;
}

TraceCounter memory_counter(const TrainingSetup& setup, const RunRecord& record) {
  TraceCounter counter{"L2 in use", "B", {}};
  const std::vector<std::uint32_t>& used = setup.program().l2_used;
  for (const StepRecord& step : record.steps) {
    for (const OpSegment& segment : step.segments) {
      const std::int64_t bytes = segment.op < used.size() ? used[segment.op] : 0;
      if (segment.op < used.size() &&
          (counter.values.empty() || counter.values.back().second != bytes)) {
        counter.values.emplace_back(step.begin + segment.begin, bytes);
      }
    }
  }
  return counter;
}
}  // namespace

void complete_timeline(const RootConfig& config, const TrainingSetup& setup, const RunFacts& facts,
                       const RunRecord& record, Timeline& timeline) {
  timeline.title = facts.title;
  timeline.clock_hz = config.platform.cluster.clock_hz;
  const auto first = {step_track(record), layer_track(facts, record),
                      operation_track(setup, record)};
  timeline.tracks.insert(timeline.tracks.begin(), first.begin(), first.end());
  timeline.counters = {l1_occupancy(setup.program(), record, timeline),
                       memory_counter(setup, record)};
}

}  // namespace etude
