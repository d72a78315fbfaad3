// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/order/dependences.h"
#include "compiler/tape/tape.h"
#include "program/program.h"

namespace etude::compiler {

/// Modelled cycles of a step whose task list is at home in HyperRAM: the list's own transfers stand
/// in the queue between the other pages, and the controller waits for them. `order` and `places`:
/// of the tape's operations, as they were encoded into `program`; `layer`: what the list's
/// transfers count for; `one_dma`: as of replay_cycles().
Cycle cycles_with_list(const Tape& tape, const Dependences& dependences,
                       const std::vector<std::uint32_t>& order,
                       const std::vector<std::uint32_t>& places, const Program& program,
                       std::uint32_t layer, bool one_dma);

}  // namespace etude::compiler
