// SPDX-License-Identifier: Apache-2.0
#include "run/execute/job.h"

#include <utility>

#include "kernels/include/etude_boot.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "run/plan/runtime_file.h"
#include "sim/platform/elf_file.h"

namespace etude::run {
namespace {

MemoryImage boot_block(const PlatformConfig& platform, Address task_list) {
  const ClusterConfig& cluster = platform.cluster;
  etude_boot boot{};
  boot.magic = ETUDE_BOOT_MAGIC;
  boot.workers = cluster.cores;
  boot.controller = cluster.controller ? 1 : 0;
  boot.l1_base = ETUDE_L1_BASE;
  boot.l1_bytes = static_cast<std::uint32_t>(cluster.tcdm.size.raw());
  boot.l2_base = ETUDE_BOOT_ADDRESS;
  boot.l2_bytes = static_cast<std::uint32_t>(platform.l2.size.raw());
  boot.task_list = task_list.raw();
  if (cluster.redmule.enabled) {
    boot.redmule = cluster.redmule.format == RedmuleConfig::Format::kFp32 ? 4 : 1;
    if (cluster.hci.priority == HciConfig::Priority::kCores) {
      boot.redmule |= ETUDE_BOOT_REDMULE_REFUSED;
    }
  }
  boot.dma_engine = cluster.dma.engine == DmaConfig::Engine::kIdma ? 1 : 0;
  const auto* first = reinterpret_cast<const std::uint8_t*>(&boot);
  return {Address{ETUDE_BOOT_ADDRESS}, {first, first + sizeof boot}};
}

}  // namespace

std::filesystem::path runtime_before(Address task_list) {
  return runtime_file(task_list >= Address{ETUDE_DATA_ADDRESS} + Bytes{ETUDE_DECODE_BYTES});
}

Job pass_job(PassMessage message) {
  const ElfFile runtime = ElfFile::load(runtime_before(message.task_list));
  Job job;
  for (const ElfSegment& segment : runtime.segments()) {
    job.images.push_back({segment.base, segment.bytes});
  }
  job.images.push_back(boot_block(message.platform, message.task_list));
  for (MemoryImage& image : message.images) {
    job.images.push_back(std::move(image));
  }
  job.entry = runtime.entry();
  job.op_layer = std::move(message.op_layer);
  job.op_unit = std::move(message.op_unit);
  job.after_step = [](unsigned, const auto&) {};
  return job;
}

Job make_job(const Plan& plan) {
  const Program& program = plan.program();
  Job job = pass_job(PassMessage(plan));
  job.after_step = {};
  job.steps = plan.config().train.steps * plan.passes_per_step();
  for (const Layer& layer : program.layers) {
    job.layer_name.push_back(layer.name);
  }
  for (std::uint32_t i = 0; i < program.probes.size(); ++i) {
    job.probes.push_back(program.probes[i].piece);
    job.probes.back().tag = i;
  }
  return job;
}

}  // namespace etude::run
