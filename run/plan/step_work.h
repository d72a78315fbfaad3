// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "compiler/cost/timing_source.h"
#include "program/operation.h"
#include "program/program.h"
#include "sim/config/root_config.h"
#include "sim/energy/energy.h"

namespace etude::run {

/// What some operations of a step have to do, as far as it is known before they run.
struct StepWork {
  Activity activity{Cycle{0}, {}, {}};  ///< multiply-adds, beats and bytes; nothing of the cores
  double kernel_cycles = 0;             ///< modelled, of all kernels

  /// Adds an operation that takes so many modelled cycles on its unit.
  void add(const Operation& operation, Cycle cycles, const PlatformConfig& platform,
           const compiler::TimingSource& timing);
};

/// The work of a whole task list.
StepWork work_of(const Program& program, const PlatformConfig& platform,
                 const compiler::TimingSource& timing);

/// Joules of work, leakage left out: what is known before a run by the energy table, and the
/// cores, with what they read and write in L1, by the modelled cycles of their kernels.
class WorkPrices {
 public:
  /// With what a core is assumed to do in a cycle.
  WorkPrices(const PlatformConfig& platform, const EnergyConfig& table);

  /// From now on as in a step that did `work` and of which `measured` was counted.
  void calibrate(const StepWork& work, const Activity& measured);

  double joules(const StepWork& work) const;
  /// Drawn for the whole length of a step: leakage, background, cores asleep.
  double static_watts() const { return static_watts_; }
  /// The same with an L2 of another size.
  double static_watts(Bytes l2) const;

 private:
  const PlatformConfig& platform_;
  const EnergyConfig& table_;
  std::map<std::string, double> measured_of_known_;  ///< of a component's joules
  double per_kernel_cycle_ = 0;
  double asleep_watts_ = 0, static_watts_ = 0;
};

}  // namespace etude::run
