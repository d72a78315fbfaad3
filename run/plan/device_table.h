// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/schedule_problem.h"
#include "compiler/schedule/step_problem.h"
#include "workloads/counted/counted_step.h"

namespace etude::run {

/// What operators and page transfers cost on a device, as a table (configs/devices, docs/devices.md
/// has the format).
struct DeviceTable {
  std::string name;
  double flop_per_s = 0, flop_per_j = 0;
  double page_in_latency_s = 0, page_in_bytes_per_s = 0;
  double page_out_latency_s = 0, page_out_bytes_per_s = 0;
  double page_w = 0;            ///< while a page moves, besides static power
  double static_w = 0;          ///< for the whole length of a step
  std::optional<Bytes> memory;  ///< all that a step may hold at a time; none: no limit
  /// What the file says of its own figures, and the figures that are assumed.
  std::vector<std::string> notes;

  double seconds(std::uint64_t flop) const { return static_cast<double>(flop) / flop_per_s; }
  double joules(std::uint64_t flop) const { return static_cast<double>(flop) / flop_per_j; }
  /// A page costs latency + bytes / rate, and page_w for that long.
  compiler::PageCost page(Bytes bytes, bool in) const;
};

/// What a file that --device names holds.
enum class DeviceFile { kGraphWithCosts, kCostTable };

/// Tells them apart by their keys. Errors: UserError if it is neither.
DeviceFile device_file_of(const nlohmann::ordered_json& file, const std::string& where);

/// Reads a cost table. Errors: UserError at `where` for unknown, missing or wrong keys, rates of 0.
DeviceTable read_device_table(const nlohmann::ordered_json& file, const std::string& where);

/// A step of counted operators as a problem on that device: what may run again is forward.
compiler::ScheduleProblem problem_on(const CountedStep& step, const DeviceTable& device);

/// Costs of a compiled step on that device: operations of each operator
/// (workloads/training/flops.h) at its rates.
compiler::StepCosts costs_on(const compiler::Step& step, const DeviceTable& device);

/// The problem in the form of a graph with its costs, as --device reads it.
nlohmann::ordered_json graph_with_costs(const CountedStep& step, const DeviceTable& device,
                                        const std::string& source);

}  // namespace etude::run
