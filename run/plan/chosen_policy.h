// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "compiler/schedule/policy.h"

namespace etude::run {

/// A schedule that was chosen before.
class ChosenPolicy : public compiler::SchedulePolicy {
 public:
  explicit ChosenPolicy(compiler::Schedule schedule) : schedule_(std::move(schedule)) {}
  compiler::Schedule choose(const compiler::Step&) const override { return schedule_; }

 private:
  compiler::Schedule schedule_;
};

}  // namespace etude::run
