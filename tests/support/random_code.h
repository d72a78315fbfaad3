// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace etude::test {

/// What a random program is made of.
struct RandomCodeOptions {
  std::uint32_t base;  ///< address of the first instruction; even
  unsigned groups;     ///< length: a group is one to twenty instructions
  unsigned passes;     ///< how often all is run
  unsigned harts;      ///< each starts somewhere in the first groups; hart 0 ends the run
  bool shared_data;    ///< loads and stores of all harts go to the same words
};

/// Code for the PULP map in which everything that matters to an instruction fetch is random:
/// lengths of instructions, where lines begin, what crosses their ends, where jumps, branches,
/// loops, calls and hardware loops lead, and what the core is busy with meanwhile (memory,
/// divisions, FP operations, the mutex, events, the timer). Loaded values decide branches, so that
/// a difference of a cycle between two runs does not stay small. Ends by a store to the exit
/// register; about 40 bytes a group.
std::vector<std::uint8_t> random_code(std::mt19937& random, const RandomCodeOptions& options);

}  // namespace etude::test
