// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/order/step_graph.h"
#include "compiler/tape/tape.h"
#include "program/program.h"

namespace etude::compiler {

constexpr std::uint32_t kNotInList = ~0u;

/// Where a task list stands that does not fit L2: its operations at home in HyperRAM, and a ring of
/// two parts in L2 behind the header. The list itself asks for each part while it works through the
/// one before.
struct ListWindow {
  Bytes bytes;  ///< of the ring, a power of two; 0: the whole list is in L2
  Address address;
  Address home;
  std::uint32_t layer = 0;  ///< that the transfers count for
  std::uint32_t parts = 0;  ///< of the list, at most
};

/// A task list as the runtime reads it: header (with the ring's bytes) and operations.
std::vector<std::uint8_t> list_bytes(const std::vector<Operation>& operations, Bytes window = {});

/// Operations that encode() writes without a window: those of the tape, the waits and the end.
std::size_t list_length(const Tape& tape, const StepGraph& graph,
                        const std::vector<std::uint32_t>& order);
/// Bytes of a list of so many.
Bytes list_size(std::size_t operations);

/// Writes the operations in their final order, with the waits that their dependences need, into the
/// program's task list and probes. Returns each operation's place in that list (kNotInList for
/// probes).
std::vector<std::uint32_t> encode(const Tape& tape, const StepGraph& graph,
                                  const std::vector<std::uint32_t>& order, Program& program,
                                  const ListWindow& window = {});

}  // namespace etude::compiler
