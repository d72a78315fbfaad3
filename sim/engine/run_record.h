// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/base/types.h"

namespace etude {

/// Cycles of one unit: busy + stalls = total, asserted at the end of the run.
struct UnitRecord {
  std::string name;  ///< core0.., controller, redmule, dma, soc_dma
  std::uint64_t busy{0};
  std::map<std::string, std::uint64_t> stalls;  ///< reason -> cycles, names as in result.json
};

/// Values of all counters at one moment, by "component.counter" name (tcdm.reads, redmule.fma...).
using CounterSnapshot = std::map<std::string, std::uint64_t>;

/// The stretch from the start of one operation of the task list to the start of the next.
struct OpSegment {
  std::uint32_t op;
  Cycle begin;  ///< since the first cycle of the step
  Cycle end;
};

/// What one step did; differences over the step only, set-up excluded.
struct StepRecord {
  Cycle cycles;
  Cycle begin{};  ///< first cycle of the step, since reset
  std::vector<UnitRecord> units;
  CounterSnapshot counters;
  std::vector<OpSegment> segments;  ///< sum of their lengths = cycles
  std::vector<CounterSnapshot>
      layer_counters;  ///< per layer index of the task list; sum = counters
  std::vector<std::map<std::string, std::uint64_t>>
      layer_stalls;  ///< per layer, all harts: reason -> cycles
};

/// What the engine hands back.
struct RunRecord {
  int exit_status{0};  ///< the simulated program's
  std::string error;   ///< why it failed, in place of a status (EngineOptions::account_of_failure)
  Cycle cycles;        ///< from reset to the end
  std::vector<StepRecord> steps;
  std::vector<UnitRecord> units;            ///< whole run
  CounterSnapshot counters;                 ///< whole run
  std::vector<std::uint64_t> instructions;  ///< retired, per hart
  Bytes l2_touched;  ///< from the start of L2 to the end of the highest byte that a unit touched
  std::vector<std::string> warnings;
  std::string console;
  // of the simulator itself
  /// Cycles in which something happened: not those in which nothing could, which are jumped over.
  std::uint64_t stepped_cycles{0};
  /// Of the one host thread, inside the engine; without the job's callbacks, which check numbers.
  double engine_seconds{0};
};

}  // namespace etude
