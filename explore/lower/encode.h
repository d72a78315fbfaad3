// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "explore/lower/op_sequence.h"
#include "explore/lower/program.h"

namespace etude {

constexpr std::uint32_t kNotInList = ~0u;

/// Writes the operations in their final order, with the waits that their dependences need, into the
/// program's task list, probes and job records. Returns each operation's place in that list
/// (kNotInList for probes).
std::vector<std::uint32_t> encode(const OpSequence& sequence,
                                  const std::vector<std::vector<std::uint32_t>>& dependences,
                                  const std::vector<std::uint32_t>& order, Program& program);

}  // namespace etude
