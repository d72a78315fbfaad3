// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/policy.h"

namespace etude::compiler {

/// Keeps everything that is read again: each operator runs once, in the step's own order.
class KeepPolicy : public SchedulePolicy {
 public:
  bool early_updates() const override { return false; }
  Schedule choose(const Step& step) const override;
};

}  // namespace etude::compiler
