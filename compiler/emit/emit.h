// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/feeds/context.h"

namespace etude::compiler {

/// Writes the operations of the current operator on the tape, by its family. Throws NoRoom when L1
/// is too fragmented; UserError when it is too small; NotAvailable for what the chip cannot run.
void emit_operator(LoweringContext& context);

}  // namespace etude::compiler
