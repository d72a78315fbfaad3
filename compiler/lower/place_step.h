// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/lower/write_tape.h"
#include "program/program.h"
#include "sim/config/workload_config.h"

namespace etude {

/// Gives everything outside L1 its place, orders the operations and encodes them: the first of the
/// placements that `home` allows and that fits. Where even fetched tensors leave no room for the
/// task list, that is at home in HyperRAM too.
/// Errors: UserError naming the memory, how many bytes it is short, and for what.
Program place_step(const Step& step, const WrittenStep& written, WorkloadConfig::Home home);

}  // namespace etude
