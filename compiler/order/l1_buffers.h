// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/memory/l1_manager.h"
#include "compiler/tape/tape.h"
#include "program/program.h"

namespace etude::compiler {

/// When each buffer of L1 is in use, from the operations that touch it. `places`: each operation's
/// place in the task list, kNotInList for those that are not in it. Buffers that nothing touches
/// are left out; the result is in order of first use.
std::vector<L1Buffer> l1_buffers(const std::vector<PlanOp>& ops,
                                 const std::vector<std::uint32_t>& places,
                                 const std::vector<L1Block>& blocks);

}  // namespace etude::compiler
