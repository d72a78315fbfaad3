// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/policy.h"

#include "compiler/schedule/keep.h"
#include "compiler/schedule/sqrt.h"

namespace etude::compiler {

std::unique_ptr<SchedulePolicy> make_policy(const ScheduleConfig& config) {
  using Policy = ScheduleConfig::Policy;
  switch (config.policy) {
    case Policy::kKeep:
      return std::make_unique<KeepPolicy>();
    case Policy::kSqrt:
      return std::make_unique<SqrtPolicy>();
    case Policy::kOptimal:
    case Policy::kCheckmate:
    case Policy::kPage:
    case Policy::kCapuchin:
    case Policy::kPofo:
    case Policy::kPoet:
      break;
  }
  return nullptr;
}

}  // namespace etude::compiler
