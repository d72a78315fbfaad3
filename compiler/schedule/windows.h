// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/lifetimes.h"

namespace etude::compiler {

/// Gives transfers that do not get done in their windows the slots beside these, as far as they
/// have room within `budget` and time that no other transfer takes: longer transfers first, nearer
/// slots first.
/// Energy and bytes stay what they were, time only gets less.
Decisions with_windows(const ScheduleProblem& problem, Decisions decisions, Bytes budget);

}  // namespace etude::compiler
