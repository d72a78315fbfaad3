// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/profile/program_profile.h"

namespace etude {

/// Which instructions are logged.
struct LogRange {
  std::optional<unsigned> hart;         ///< one; else all
  std::uint64_t from{0};                ///< cycles: the first ...
  std::uint64_t to{~std::uint64_t{0}};  ///< ... and the last
};

/// A text file with a line for each retired instruction: cycle, hart, pc, function (file:line),
/// disassembly, cycles and main reason of the wait before it; separated by tabs, in the order of
/// cycles, then harts.
class InstructionLog {
 public:
  /// Listens to `profile`, which must live as long. Errors: UserError if `file` cannot be written.
  InstructionLog(ProgramProfile& profile, const std::string& file, const LogRange& range);
  /// Writes what is left. Errors: SystemError if the disk is full.
  void finish();

 private:
  struct Row {
    std::uint64_t cycle;
    std::uint64_t stalls;
    std::uint32_t pc;
    std::uint8_t hart;
    StallReason why;
  };

  void add(unsigned hart, const Core& core, const RetiredInstr& retired);
  void write_before(std::uint64_t cycle);

  ProgramProfile& profile_;
  std::string name_;
  std::ofstream out_;
  std::vector<Row> rows_;
  std::size_t full_;                                     ///< rows at which some are written
  std::unordered_map<std::uint32_t, std::string> text_;  ///< of an instruction, by pc
};

}  // namespace etude
