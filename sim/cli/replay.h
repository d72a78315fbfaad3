// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace etude::cli {

/// What became of a replayed arbitration trace.
struct HciReplay {
  std::uint64_t cycles = 0;
  std::uint64_t different = 0;                    ///< cycles with any difference
  std::optional<std::uint64_t> first_difference;  ///< its index, from 0
  std::string first_text;                         ///< ... and what differs there
};

/// Feeds the requests of the trace `file` to the interconnect and compares grants, stall counter
/// and round-robin pointers with those recorded. `invert` and `max_stall` default to what the
/// trace's id says (..._i1_m8), else its keys inv= and ms=, else 0.
/// Throws UserError with the line if the file is not such a trace.
HciReplay replay_hci(const std::string& file, std::optional<unsigned> invert,
                     std::optional<unsigned> max_stall);

}  // namespace etude::cli
