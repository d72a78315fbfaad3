// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/cost/timing_source.h"
#include "program/program.h"
#include "run/plan/list_replay.h"
#include "run/plan/step_meter.h"
#include "sim/config/platform_config.h"

namespace etude::run {

/// Modelled cycles of an operation on its unit; waits take none.
Cycle modelled_cycles(const Operation& operation, const compiler::TimingSource& timing);

/// Part of a job's cycles in which the wide port takes the banks of L1.
double port_share(const MatrixJob& job, const compiler::TimingSource& timing);

/// What operations take, from a pass that was measured: the mean of those with the same arguments,
/// wherever in L1 these stand, each without what others held it up (speed_beside()). Apart from
/// others, transfers straight behind another one, which begin while the last answers of that are on
/// their way. An operation that the pass did not have takes what is modelled
/// of it, in the proportion that this has in its layer, or in its copy, to what was measured; else
/// in all operations of its kind. What the controller takes is of that pass, too.
class MeasuredTimes {
 public:
  MeasuredTimes(const Program& program, const std::vector<OperationSpan>& spans,
                const PlatformConfig& platform, const compiler::TimingSource& timing);

  ListTimes of(const Program& program) const;

 private:
  /// A unit and a direction, or a kernel.
  using Kind = std::uint32_t;
  using Arguments = std::array<std::uint32_t, 14>;
  struct Sum {
    double measured = 0, modelled = 0;
    unsigned count = 0;
    void add(double cycles, double of_model);
    double mean() const { return measured / count; }
  };
  struct Sums {
    std::array<Sum, 2> of;  ///< by themselves, and transfers straight behind another one
    std::optional<double> scaled(double of_model, bool behind) const;
  };

  static Kind kind_of(const Operation& operation);
  static Arguments arguments_of(const Operation& operation);
  double cycles_of(const Operation& operation, const std::string& layer, bool behind) const;

  const compiler::TimingSource& timing_;
  ControllerWork work_;
  std::map<Arguments, Sums> same_;
  std::map<std::pair<std::string, Kind>, Sums> of_layer_;
  std::map<Kind, Sums> of_kind_;
  std::map<Kind, double> shorter_behind_;  ///< cycles, mean of operations that were seen both ways
};

}  // namespace etude::run
