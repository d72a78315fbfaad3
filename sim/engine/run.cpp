// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/run.h"

#include <systemc>

#include "models/base/error.h"

namespace etude {
namespace {

void silence_systemc() {
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  // The object hierarchy is fixed; a resolution of 1 ps divides any clock the configuration allows
  // well below a cycle, and engine time is counted in cycles.
  sc_core::sc_report_handler::set_actions("/IEEE_Std_1666/deprecated", sc_core::SC_DO_NOTHING);
}

}  // namespace

RunRecord run_job(const PlatformConfig& config, const Job& job, EngineOptions options) {
  silence_systemc();
  Platform platform("soc", config);
  for (const MemoryImage& image : job.images) {
    platform.write_memory(image.base, image.bytes);
  }
  options.job = &job;
  Engine engine("engine", platform, options);
  return engine.run(job.entry);
}

ElfResult run_elf(const PlatformConfig& config, const ElfFile& elf, EngineOptions options) {
  silence_systemc();
  Platform platform("soc", config);
  for (const ElfSegment& segment : elf.segments()) {
    platform.write_memory(segment.base, segment.bytes);
  }
  if (config.map == MemoryMap::kHtif) {
    options.tohost = elf.symbol("tohost");
  }
  options.symbol = [&elf](Address pc) { return elf.describe(pc); };
  Engine engine("engine", platform, options);
  ElfResult result;
  result.record = engine.run(elf.entry());
  result.markers = engine.markers();
  return result;
}

}  // namespace etude
