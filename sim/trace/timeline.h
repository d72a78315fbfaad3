// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/base/types.h"

namespace etude {

/// Something that lasted: [begin, end) in cycles of the run.
struct TraceSpan {
  static constexpr std::uint32_t kNoOperation = ~0u;
  Cycle begin;
  Cycle end;
  std::string name;
  std::uint32_t op = kNoOperation;              ///< of the task list, whose work it is
  std::vector<std::uint64_t> starts{}, ends{};  ///< arrows that begin, that end here, by number
};

/// What one unit did; spans in the order of their beginnings, each before or inside another.
struct TraceTrack {
  std::string name;
  std::vector<TraceSpan> spans;
};

/// A number over time, from each cycle on until the next.
struct TraceCounter {
  std::string name;
  std::string unit;
  std::vector<std::pair<Cycle, double>> values;
};

/// A transfer of the cluster DMA, one piece of it per record.
struct TraceTransfer {
  Cycle launched;
  Cycle done;
  std::uint32_t l1 = 0;  ///< address
  std::uint32_t bytes = 0;
  bool to_l1 = false;
  std::size_t span = kNoSpan;  ///< that draws it, on the track of its direction
  static constexpr std::size_t kNoSpan = ~std::size_t{0};
};

/// A run to be looked at: one track per unit, one per number, in the order in which they are drawn.
struct Timeline {
  std::string title;
  bool stalls = false;      ///< asked for: counters of stalled cycles, too
  double clock_hz = 300e6;  ///< cycles become nanoseconds, rounded
  std::vector<TraceTrack> tracks;
  std::vector<TraceCounter> counters;
  // Not drawn, but what counters are made from:
  std::vector<std::vector<Cycle>>
      op_done;  ///< per step and operation: done by cores or RedMulE, else 0
  std::vector<TraceTransfer> transfers;
};

/// The timeline in Perfetto's format (protobuf `perfetto.protos.Trace`), as ui.perfetto.dev reads
/// it.
std::string perfetto_trace(const Timeline& timeline);

}  // namespace etude
