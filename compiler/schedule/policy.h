// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/operators/step.h"
#include "compiler/schedule/step_schedule.h"
#include "sim/config/workload_config.h"

namespace etude::compiler {

/// Decides what is kept, made again or moved out of the way. One file a policy, and one line in
/// make_policy().
class SchedulePolicy {
 public:
  virtual ~SchedulePolicy() = default;
  /// Whether plain updates stand where their gradients are ready in the step that is scheduled.
  virtual bool early_updates() const { return true; }
  /// A schedule that respects every dependence of the step.
  virtual Schedule choose(const Step& step) const = 0;
};

/// The policy of a configuration, or null where this version has none of that name.
std::unique_ptr<SchedulePolicy> make_policy(const ScheduleConfig& config);

}  // namespace etude::compiler
