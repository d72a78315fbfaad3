// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cluster_program.h"

#include <sstream>

#include "models/iss/isa/execute.h"
#include "sim/engine/engine.h"
#include "sim/platform/elf_file.h"
#include "tests/support/content_name.h"
#include "tests/support/in_child.h"
#include "tests/support/shared_data.h"
#include "tests/support/toolchain.h"

namespace etude::test {
namespace {

constexpr std::uint32_t kMarkers = 0x1003FF00;  ///< and four bytes for each core
constexpr std::uint64_t kMostCycles = 2'000'000;

struct Watch {
  std::vector<std::uint64_t>* out;  ///< core, value, cycle of each marker
  std::uint32_t hart;
};

void on_retired(void* context, const Core& core, const Retired& retired) {
  const auto& watch = *static_cast<const Watch*>(context);
  const DataAccess& access = core.access();
  if (retired.instr->timing == TimingClass::kStore && access.address == kMarkers + 4 * watch.hart) {
    watch.out->insert(watch.out->end(), {watch.hart, access.wdata, core.last_grant().raw()});
  }
}

}  // namespace

std::filesystem::path ClusterPrograms::elf(const std::string& name) const {
  const bool random = std::filesystem::exists(folder_ / (name + ".S"));
  const std::string source = name == "mm65" ? "mm.c" : name + (random ? ".S" : ".c");
  // Loops as they are written, calls as auipc and jalr, the program in front of the start-up code.
  const std::string flags =
      std::string("--target=riscv32 -mabi=ilp32 -O2 -fno-unroll-loops -mno-relax -ffreestanding ") +
      "-nostdlib -static -march=rv32imc_zfinx_zicsr" + (random ? "_xcvmem_xcvalu" : "") +
      (name == "mm65" ? " -DPITCH=65 -DPB=33" : "");
  std::string content = name + flags;
  for (const std::string file :
       {std::string("cl.h"), std::string("cl.ld"), std::string("start.c"), source}) {
    content += text_of(folder_ / file);
  }
  const std::filesystem::path elf =
      binary_dir() / ("cluster_rtl-" + content_name(content) + ".elf");
  if (!std::filesystem::exists(elf)) {
    const auto file = [this](const std::string& f) { return (folder_ / f).string(); };
    capture("clang-19 " + flags + " -fuse-ld=lld-19 -T " + file("cl.ld") + " -o " +
            partial_name(elf) + " " + file(source) + " " + file("start.c") + " && mv " +
            partial_name(elf) + " " + elf.string());
  }
  return elf;
}

ClusterRun run_cluster_program(const PlatformConfig& config, const std::filesystem::path& elf,
                               bool lockstep, bool watched) {
  const unsigned cores = config.cluster.harts();
  const auto told = in_child([&] {
    Platform platform("soc", config);
    const ElfFile program = ElfFile::load(elf);
    for (const ElfSegment& segment : program.segments()) {
      platform.write_memory(segment.base, segment.bytes);
    }
    EngineOptions options;
    options.lockstep = lockstep;
    options.max_cycles = Cycle{kMostCycles};
    options.account_of_failure = true;  // some programs fall asleep for good, as on the RTL
    std::vector<std::uint64_t> out(2);
    std::vector<Watch> watches(cores);
    for (unsigned h = 0; watched && h < cores; ++h) {
      watches[h] = {&out, h};
      platform.core(h).set_retire_hook(on_retired, &watches[h]);
    }
    Engine engine("engine", platform, options);
    out[0] = engine.run(program.entry()).cycles.raw();
    out[1] = platform.icache().private_misses_.value;
    return out;
  });
  ClusterRun run;
  run.markers.resize(cores);
  run.cycles = told.at(0);
  run.private_misses = told.at(1);
  std::uint64_t start = ~std::uint64_t{0};
  for (std::size_t i = 2; i < told.size(); i += 3) {
    if (told[i] == 0) {
      start = std::min(start, told[i + 2]);
    }
  }
  for (std::size_t i = 2; i < told.size(); i += 3) {
    run.markers[told[i]].push_back(
        {static_cast<std::uint32_t>(told[i + 1]), static_cast<std::int64_t>(told[i + 2] - start)});
  }
  return run;
}

}  // namespace etude::test
