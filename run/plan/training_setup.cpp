// SPDX-License-Identifier: Apache-2.0
#include "run/plan/training_setup.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/lower/lower.h"
#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_kernels.h"
#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "run/plan/program_images.h"
#include "sim/config/load.h"
#include "sim/platform/elf_file.h"
#include "workloads/training/counts.h"

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

/// Refuses what the contract names and this version does not do.
void check_available(const RootConfig& config) {
  const auto refuse_unless = [&](bool available, const char* pointer, const char* instead) {
    if (!available) {
      const Json resolved = Json::parse(resolved_json(config));
      throw UserError(pointer,
                      resolved.at(Json::json_pointer(pointer)).dump() + " is not available",
                      std::string("this version has ") + instead);
    }
  };
  refuse_unless(config.run.tier == RunConfig::Tier::kCycle, "/run/tier", "\"cycle\"");
  refuse_unless(!config.run.check, "/run/check", "false");
  refuse_unless(config.schedule.policy == ScheduleConfig::Policy::kKeep, "/schedule/policy",
                "\"keep\"");
}

std::filesystem::path runtime_file() {
  if (const char* folder = std::getenv("ETUDE_KERNELS")) {
    return std::filesystem::path(folder) / "runtime.elf";
  }
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "kernels" /
         "runtime.elf";
}

std::vector<std::uint8_t> bytes_of_struct(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  return {first, first + size};
}

MemoryImage boot_block(const PlatformConfig& platform, const Program& program) {
  const ClusterConfig& cluster = platform.cluster;
  etude_boot boot{};
  boot.magic = ETUDE_BOOT_MAGIC;
  boot.workers = cluster.cores;
  boot.controller = cluster.controller ? 1 : 0;
  boot.l1_base = ETUDE_L1_BASE;
  boot.l1_bytes = static_cast<std::uint32_t>(cluster.tcdm.size.raw());
  boot.l2_base = ETUDE_BOOT_ADDRESS;
  boot.l2_bytes = static_cast<std::uint32_t>(platform.l2.size.raw());
  boot.task_list = program.task_list_address.raw();
  if (cluster.redmule.enabled) {
    boot.redmule = cluster.redmule.format == RedmuleConfig::Format::kFp32 ? 4 : 1;
    if (cluster.hci.priority == HciConfig::Priority::kCores) {
      boot.redmule |= ETUDE_BOOT_REDMULE_REFUSED;
    }
  }
  boot.dma_engine = cluster.dma.engine == DmaConfig::Engine::kIdma ? 1 : 0;
  return {Address{ETUDE_BOOT_ADDRESS}, bytes_of_struct(&boot, sizeof boot)};
}

etude_op operation(const Program& program, std::uint32_t index) {
  etude_op op{};
  std::memcpy(&op, program.task_list.data() + ETUDE_TASK_FIRST_OP + index * sizeof op, sizeof op);
  return op;
}

std::string name_of_operation(const etude_op& op) {
  const char* const units[ETUDE_UNITS] = {"cores", "redmule", "dma", "soc_dma"};
  const auto text = [](std::uint32_t number) { return std::to_string(number); };
  switch (op.code) {
    case ETUDE_OP_END:
      return "end of the step";
    case ETUDE_OP_WAIT:
      return std::string("wait for ") + (op.arg[0] < ETUDE_UNITS ? units[op.arg[0]] : "?");
    case ETUDE_OP_KERNEL:
      return "post kernel " + text(op.arg[0]);
    case ETUDE_OP_DMA:
      return (op.arg[0] == ETUDE_DMA_TO_L1 ? "post DMA in, " : "post DMA out, ") +
             text(op.arg[3] * op.arg[4]) + " B";
    case ETUDE_OP_SOC_DMA:
      return "post page, " + text(op.arg[2] * op.arg[4]) + " B";
    case ETUDE_OP_REDMULE:
      return "post RedMulE " + text(op.arg[3]) + "x" + text(op.arg[4]) + "x" + text(op.arg[5]);
    default:
      return "operation " + text(op.code);
  }
}

Workload available_workload(const RootConfig& config) {
  check_available(config);
  return build_workload(config);
}
}  // namespace

TrainingSetup::TrainingSetup(const RootConfig& config)
    : config_(config),
      workload_(available_workload(config)),
      program_(lower_step(training(), config.platform,
                          {config.workload.home, config.tiling, config.train.precision})),
      start_(workload_.parameters) {
  if (!config.workload.inputs.empty()) {
    inputs_ = std::make_unique<NpzArchive>(read_npz(config.workload.inputs));
  }
  take_inputs_of(0, start_);
}

void TrainingSetup::take_inputs_of(unsigned step, StartValues& values) const {
  if (inputs_ != nullptr) {
    take_inputs(training().graph, *inputs_, config_.workload.inputs, step, values);
  } else {
    draw_inputs(training().graph, config_.train.seed, step, values);
  }
}

unsigned TrainingSetup::passes_per_step() const { return workload_.update.accumulate; }

std::vector<MemoryImage> TrainingSetup::rate_images(unsigned pass) const {
  const UpdateOptions& update = workload_.update;
  if (update.rule == UpdateOptions::Rule::kSgd && update.accumulate == 1) {
    return {};
  }
  Node node;
  node.attributes = update_rates(update, pass);
  const auto lr = static_cast<float>(node.real("lr"));
  const AdamRates adam =
      adam_rates(lr, update.beta1, update.beta2, node.real("epsilon"), node.integer("step", 1));
  std::vector<MemoryImage> images;
  const auto put = [&](std::uint32_t op, std::uint32_t argument, float value) {
    const auto at =
        static_cast<std::uint32_t>(op * sizeof(etude_op) + offsetof(etude_op, arg) + 4 * argument);
    const auto bytes = bytes_of_struct(&value, sizeof value);
    const std::uint64_t window = program_.list_window.raw();
    if (window == 0 || at < window) {
      images.push_back(
          {Address{program_.task_list_address.raw() + ETUDE_TASK_FIRST_OP + at}, bytes});
    }
    if (window != 0) {
      images.push_back({Address{program_.list_home.raw() + at}, bytes});
    }
  };
  for (std::uint32_t i = 0; i < program_.op_count; ++i) {
    const etude_op op = operation(program_, i);
    if (op.code != ETUDE_OP_KERNEL) {
      continue;
    }
    // Argument 0 of the operation is the kernel's number, its own follow (etude_kernels.h).
    if (op.arg[0] == ETUDE_KERNEL_MOMENTUM) {
      put(i, 1 + offsetof(etude_momentum_args, lr) / 4, lr);
      put(i, 1 + offsetof(etude_momentum_args, mu) / 4, static_cast<float>(node.real("momentum")));
    } else if (op.arg[0] == ETUDE_KERNEL_ADAM) {
      put(i, 1 + offsetof(etude_adam_args, lr) / 4, adam.lr);
      put(i, 1 + offsetof(etude_adam_args, epsilon) / 4, adam.epsilon);
    }
  }
  return images;
}

std::vector<std::uint32_t> TrainingSetup::op_layers() const {
  std::vector<std::uint32_t> layers;
  for (std::uint32_t i = 0; i < program_.op_count; ++i) {
    layers.push_back(operation(program_, i).layer);
  }
  return layers;
}

std::vector<std::string> TrainingSetup::op_names() const {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < program_.op_count; ++i) {
    names.push_back(name_of_operation(operation(program_, i)));
  }
  return names;
}

RunFacts TrainingSetup::facts() const {
  RunFacts facts;
  facts.title = workload_.title;
  for (const LayerEntry& layer : program_.layers) {
    facts.layers.push_back({layer.name, layer.op, layer.phase, layer.unit, layer.macs});
  }
  facts.op_layer = op_layers();
  const MemoryFigures& m = program_.memory;
  facts.memory = {m.l1_peak.raw(),          m.l2_peak.raw(),
                  m.l3_peak.raw(),          m.parameters.raw(),
                  m.trainable.raw(),        m.gradients.raw(),
                  m.activations_peak.raw(), m.activations_peak_gradients_kept.raw()};
  facts.macs = count(training().graph).total_macs() * passes_per_step();
  facts.samples = std::uint64_t{config_.workload.batch} * passes_per_step();
  facts.warnings = workload_.warnings;
  facts.warnings.insert(facts.warnings.end(), program_.warnings.begin(), program_.warnings.end());
  return facts;
}

Job TrainingSetup::job() const {
  const std::filesystem::path file = runtime_file();
  if (!std::filesystem::exists(file)) {
    throw UserError(file.string(), "the cores' runtime is not there",
                    "build it with scripts/build.sh, or name its folder in ETUDE_KERNELS");
  }
  const ElfFile runtime = ElfFile::load(file);
  Job job;
  for (const ElfSegment& segment : runtime.segments()) {
    job.images.push_back({segment.base, segment.bytes});
  }
  job.images.push_back(boot_block(config_.platform, program_));
  for (ProgramImage& image : initial_images(program_, start_)) {
    job.images.push_back({image.address, std::move(image.bytes)});
  }
  for (MemoryImage& image : rate_images(0)) {
    job.images.push_back(std::move(image));
  }
  job.entry = runtime.entry();
  job.steps = config_.train.steps * passes_per_step();
  job.op_layer = op_layers();
  for (std::uint32_t i = 0; i < program_.op_count; ++i) {
    const etude_op op = operation(program_, i);
    const bool posted = op.code != ETUDE_OP_WAIT && op.code != ETUDE_OP_END;
    job.op_unit.push_back(posted ? static_cast<std::uint8_t>(op.unit) : std::uint8_t{255});
  }
  for (const LayerEntry& layer : program_.layers) {
    job.layer_name.push_back(layer.name);
  }
  for (std::uint32_t i = 0; i < program_.probes.size(); ++i) {
    const TensorProbe& probe = program_.probes[i];
    job.probes.push_back({probe.op, probe.address, probe.rows, probe.row_bytes, probe.pitch, i});
  }
  return job;
}

}  // namespace etude
