// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/iss/core/core_port.h"
#include "sim/engine/run_record.h"

namespace etude {

/// Cycles of one hart up to some moment: busy + stalls = elapsed.
struct HartCycles {
  std::uint64_t busy{0};
  std::array<std::uint64_t, kStallReasons> stalls{};
  std::uint64_t instructions{0};
};

/// All that counts at one moment.
struct Snapshot {
  Cycle when;
  std::vector<HartCycles> harts;
  std::vector<std::uint64_t> counters;  ///< in the order of Accounting's list
};

/// Name of a stall reason as in result.json.
const char* stall_name(StallReason reason);

/// Books of a run: which counters exist, what they were at the borders of steps and operations.
/// The engine says when; the books subtract.
class Accounting {
 public:
  /// Adds a component's counters under `component`: "tcdm" makes "tcdm.reads"...
  /// `visit` is called at each snapshot and must name the same counters each time. A component with
  /// a counter of busy cycles is a unit of the account: its busy cycles, its stalls by the names of
  /// their counters, and the rest idle. Throws std::logic_error for stalls without busy cycles and
  /// for two counters of busy cycles.
  void add(const std::string& component, const std::function<void(const CounterVisitor&)>& visit);
  /// Names of the harts ("core0".. , "controller"), in order.
  void set_harts(std::vector<std::string> names) { harts_ = std::move(names); }

  /// Values of all counters now.
  std::vector<std::uint64_t> counters() const;

  void begin_step(Snapshot at);
  /// The controller starts operation `op`, which belongs to `layer`.
  void begin_op(std::uint32_t op, std::uint32_t layer, Snapshot at);
  /// The same for an operation of the layer of the one before: only the time counts then.
  bool goes_on(std::uint32_t layer) const { return in_step_ && in_op_ && layer == layer_; }
  void begin_op_of_layer(std::uint32_t op, Cycle when);
  void end_step(const Snapshot& at);
  bool in_step() const { return in_step_; }

  /// Stalled cycles between two moments by unit and reason ("cores stalled: tcdm_conflict", of all
  /// workers together; "redmule stalled: x_wait"), those that are not zero, without units that have
  /// nothing to do.
  std::map<std::string, std::uint64_t> stalls(const Snapshot& from, const Snapshot& to) const;

  /// Moves the steps into `record` and adds the whole run's units and counters as of `at`.
  void finish(const Snapshot& at, RunRecord& record);

 private:
  /// Where the cycles of a unit that is no core stand among the counters.
  struct UnitColumns {
    std::string name;
    std::optional<std::size_t> busy;
    std::vector<std::pair<std::string, std::size_t>> stalls;
  };

  void close_segment(Cycle when);
  void close_layer(const Snapshot& at);
  CounterSnapshot named(const std::vector<std::uint64_t>& from,
                        const std::vector<std::uint64_t>& to) const;
  std::vector<UnitRecord> units(const Snapshot& from, const Snapshot& to) const;
  void add_units(const Snapshot& from, const Snapshot& to, std::vector<UnitRecord>& out) const;

  std::vector<std::string> names_;
  std::vector<std::size_t> by_name_;  ///< indices of the names in alphabetic order
  CounterSnapshot zeros_;             ///< all names: copied where values are wanted by name
  std::vector<std::function<void(const CounterVisitor&)>> components_;
  std::vector<UnitColumns> units_;
  std::vector<std::string> harts_;

  bool in_step_{false};
  bool in_op_{false};
  std::uint32_t op_{0};
  std::uint32_t layer_{0};
  Snapshot step_begin_;
  Cycle op_begin_;
  Snapshot layer_begin_;  ///< of the operations of one layer in a row
  std::vector<std::vector<std::uint64_t>> layer_counters_;
  std::vector<std::array<std::uint64_t, kStallReasons>> layer_stalls_;
  std::vector<OpSegment> segments_;
  std::vector<StepRecord> steps_;
};

}  // namespace etude
