// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/lifetimes.h"

namespace etude::compiler {

/// Gives transfers between two slots the slots beside them, as far as these have room within
/// `budget` and time that no other transfer takes: longer transfers first, nearer slots first.
/// Energy and bytes stay what they were, time only gets less.
Decisions with_windows(const ScheduleProblem& problem, Decisions decisions, Bytes budget);

}  // namespace etude::compiler
