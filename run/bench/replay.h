// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace etude::run {

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

/// How the transfers of one DMA engine compared.
struct DmaReplayEngine {
  std::uint64_t completions = 0;
  std::uint64_t different = 0;  ///< launched or done in another cycle than recorded
  std::int64_t max_error = 0;   ///< cycles
};

struct DmaReplay {
  std::map<std::string, DmaReplayEngine> by_engine;
  std::vector<std::string> differences;  ///< the first ones, in words
};

/// Feeds the transfers of a CSV file (columns dma, LR, LW, gap, transfers, launched, done) to the
/// DMA engines behind a memory of fixed latency and compares launch and completion of each.
/// Throws UserError with the line if the file is not of that kind.
DmaReplay replay_dma(const std::string& file);

}  // namespace etude::run
