// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/keep.h"

#include <numeric>

namespace etude::compiler {

Schedule KeepPolicy::choose(const Step& step) const {
  Schedule schedule;
  schedule.order.resize(step.operators.size());
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  return schedule;
}

}  // namespace etude::compiler
