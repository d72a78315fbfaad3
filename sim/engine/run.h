// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/config/platform_config.h"
#include "sim/engine/engine.h"
#include "sim/platform/elf_file.h"

namespace etude {

/// Builds the platform, loads the job's images and runs it from `job.entry` to the end.
/// One call per process: SystemC elaborates once. Throws ProgramError if the simulated program
/// fails.
RunRecord run_job(const PlatformConfig& platform, const Job& job, EngineOptions options);

/// What a plain program leaves behind.
struct ElfResult {
  RunRecord record;
  std::vector<Marker> markers;  ///< core bench only
};

/// Loads `elf` and runs it on every hart from its entry point. One call per process.
ElfResult run_elf(const PlatformConfig& platform, const ElfFile& elf, EngineOptions options);

}  // namespace etude
