// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/run_timeline.h"

#include <algorithm>

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

/// One track per hart: awake from reset on but for the stretches of sleep.
std::vector<TraceTrack> hart_tracks(const RunRecord& record) {
  std::vector<TraceTrack> tracks;
  for (std::size_t hart = 0; hart < record.instructions.size(); ++hart) {
    TraceTrack track{record.units.at(hart).name, {}};
    Cycle awake{0};
    for (const SleepSpan& sleep : record.sleeps) {
      if (sleep.hart == hart) {
        if (sleep.begin > awake) {
          track.spans.push_back({awake, sleep.begin, "awake"});
        }
        awake = sleep.end;
      }
    }
    tracks.push_back(std::move(track));
  }
  return tracks;
}

/// One track per unit that is no hart: its busy share while the controller was in an operation.
std::vector<TraceTrack> unit_tracks(const RunRecord& record) {
  std::vector<TraceTrack> tracks;
  for (std::size_t unit = record.instructions.size(); unit < record.units.size(); ++unit) {
    TraceTrack track{record.units[unit].name, {}};
    const std::size_t index = unit - record.instructions.size();
    for (const StepRecord& step : record.steps) {
      for (const OpSegment& segment : step.segments) {
        const std::uint64_t length = (segment.end - segment.begin).raw();
        const std::uint64_t busy = segment.busy.at(index);
        if (busy != 0 && length != 0) {
          track.spans.push_back({step.begin + segment.begin, step.begin + segment.end,
                                 std::to_string(100 * busy / length) + " % busy"});
        }
      }
    }
    tracks.push_back(std::move(track));
  }
  return tracks;
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

Timeline timeline_of(const RootConfig& config, const TrainingSetup& setup, const RunFacts& facts,
                     const RunRecord& record) {
  Timeline timeline;
  timeline.title = facts.title;
  timeline.clock_hz = config.platform.cluster.clock_hz;
  timeline.tracks = {step_track(record), layer_track(facts, record),
                     operation_track(setup, record)};
  for (auto& tracks : {hart_tracks(record), unit_tracks(record)}) {
    timeline.tracks.insert(timeline.tracks.end(), tracks.begin(), tracks.end());
  }
  timeline.counters = {memory_counter(setup, record)};
  return timeline;
}

}  // namespace etude
