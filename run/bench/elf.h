// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/engine/run.h"
#include "sim/profile/instruction_log.h"
#include "sim/profile/program_profile.h"

namespace etude::run {

/// What `etude-sim elf` is asked for.
struct ElfRequest {
  std::string file;
  std::string platform;           ///< preset; empty: by the ELF's memory map
  std::vector<std::string> sets;  ///< /json/pointer=VALUE
  std::uint64_t max_cycles = 0;   ///< 0: the engine's own limit
  bool lockstep = false;
  std::optional<unsigned> gdb_port;  ///< a GDB holds the run; 0: at a free port
  /// Prints a line about the debugger.
  std::function<void(const std::string&)> tell;
  bool profile = false;        ///< where the cycles went, in the result; cycles are the same
  std::string profile_folder;  ///< for callgrind.out, stacks.txt and profile.json; empty: none
  std::string trace_file;      ///< for Perfetto; empty: none
  std::string log_file;        ///< of retired instructions; empty: none
  LogRange log_range;
  bool check = false;      ///< for defects that no value shows (docs/check.md)
  std::string check_file;  ///< for what is found, as JSON; empty: none
};

/// What a program leaves behind, and where its cycles went.
struct ProgramResult : ElfResult {
  std::unique_ptr<ProgramProfile> profile;  ///< null unless the request wants any of it
  std::vector<std::string> harts;           ///< their names
  std::string check_text;                   ///< what the checker has found, a line each
  bool check_errors = false;                ///< errors are among it
  std::string check_unwritten;              ///< why its file is not complete; empty: it is
};

/// Runs a bare-metal program on every hart from its entry point; `console` gets what it prints. A
/// program that fails leaves its reason in record.error; the files that are asked for are written
/// then, too. One call per process.
/// Errors: UserError if the file is no such program or has no place on the platform, or if a file
/// cannot be written; SystemError if the disk is full.
ProgramResult run_program(const ElfRequest& request, const std::function<void(char)>& console);

/// The account of a program as JSON: exit, cycles, instructions and stalls by hart, counters,
/// markers of the core bench; functions and regions if there is a profile.
nlohmann::ordered_json program_json(const ProgramResult& result);

}  // namespace etude::run
