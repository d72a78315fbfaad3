// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/engine/run.h"

namespace etude::run {

/// What `etude-sim elf` is asked for.
struct ElfRequest {
  std::string file;
  std::string platform;           ///< preset; empty: by the ELF's memory map
  std::vector<std::string> sets;  ///< /json/pointer=VALUE
  std::uint64_t max_cycles = 0;   ///< 0: the engine's own limit
  bool lockstep = false;
};

/// Runs a bare-metal program on every hart from its entry point; `console` gets what it prints. A
/// program that fails leaves its reason in record.error. One call per process.
/// Errors: UserError if the file is no such program or has no place on the platform.
ElfResult run_program(const ElfRequest& request, const std::function<void(char)>& console);

/// The account of a program as JSON: exit, cycles, instructions and stalls by hart, counters,
/// markers of the core bench.
nlohmann::ordered_json program_json(const ElfResult& result);

}  // namespace etude::run
