// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/policy.h"

namespace etude::compiler {

/// Training with sublinear memory (Chen et al. 2016): the operators that may run again are cut into
/// about sqrt(n) segments. What leaves a segment is kept; the rest is made again, a segment at
/// once, where the backward pass first needs one of it.
class SqrtPolicy : public SchedulePolicy {
 public:
  Schedule choose(const Step& step) const override;
};

}  // namespace etude::compiler
