// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude::run {

/// The highest end of what a run touched in L2, from its start, which the memory plan gave as
/// `planned`. Errors: std::logic_error if it is higher, a defect of the plan.
Bytes within_plan(Bytes touched, Bytes planned);

}  // namespace etude::run
