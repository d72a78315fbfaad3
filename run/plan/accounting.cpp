// SPDX-License-Identifier: Apache-2.0
#include "run/plan/accounting.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>

#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_kernels.h"
#include "models/base/error.h"
#include "run/plan/runtime_file.h"
#include "sim/config/json_file.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

constexpr std::size_t kElfHeader = 52, kProgramHeader = 32;
constexpr std::uint32_t kLoad = 1;

std::uint32_t word_at(const std::string& bytes, std::size_t at, unsigned width) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < width && at + i < bytes.size(); ++i) {
    value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

/// Bytes of a 32-bit program that a memory holds before it runs: the file's part of its segments.
std::uint64_t loaded_bytes(const std::string& elf) {
  if (elf.size() < kElfHeader) {
    return 0;
  }
  const std::size_t first = word_at(elf, 28, 4);
  const unsigned count = word_at(elf, 44, 2);
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t at = first + i * kProgramHeader;
    sum += word_at(elf, at, 4) == kLoad ? word_at(elf, at + 16, 4) : 0;
  }
  return sum;
}

/// Runtime and kernels, of the runtime that runs the step; none where they are not built.
std::optional<std::uint64_t> code_bytes(bool decodes) {
  try {
    return loaded_bytes(read_whole_file(runtime_file(decodes), ""));
  } catch (const UserError&) {
    return std::nullopt;
  }
}

/// Values that a device is given once: parameters, and constants of the graph.
bool is_weight(const Tensor& tensor) {
  return tensor.kind == TensorKind::kParameter && !tensor.alias_of;
}

/// What stays from step to step in memory that is written: trained parameters and states.
bool is_persistent(const Tensor& tensor) {
  return !tensor.alias_of && (tensor.kind == TensorKind::kState || tensor.trainable);
}

/// Each by where it is at home: what HyperRAM has and L2 copies is a row of HyperRAM.
Json tensors_of(const Program& program) {
  std::map<std::string, const StoredTensor*> rows;
  for (const StoredTensor& stored : program.stored) {
    const StoredTensor*& row = rows[stored.name];
    if (row == nullptr || (stored.always && !row->always) || row->bytes == Bytes{}) {
      row = &stored;
    }
  }
  std::vector<Json> list;
  for (const auto& [name, stored] : rows) {
    list.push_back({{"name", name},
                    {"kind", stored->kind},
                    {"bytes", stored->bytes.raw()},
                    {"memory", stored->external ? "extmem" : "l2"},
                    {"always", stored->always}});
  }
  std::ranges::stable_sort(list, [](const Json& a, const Json& b) {
    return a.at("bytes").get<std::uint64_t>() > b.at("bytes").get<std::uint64_t>();
  });
  return Json(list);
}

/// The buffer of L1 that an operation touches at an address.
const L1Buffer* buffer_at(const Program& program, std::uint32_t op, std::uint32_t address) {
  const auto found = std::ranges::find_if(program.l1_buffers, [&](const L1Buffer& buffer) {
    return buffer.first_op <= op && op <= std::ranges::max(buffer.last_ops) &&
           buffer.address.raw() <= address && address < (buffer.address + buffer.bytes).raw();
  });
  return found == program.l1_buffers.end() ? nullptr : &*found;
}

/// The most bytes that packed tiles and their scales take of L1 for one layer.
std::uint64_t decode_scratch(const Program& program) {
  std::map<std::uint32_t, std::set<const L1Buffer*>> of_layer;
  for (std::uint32_t op = 0; op < program.tasks.operations.size(); ++op) {
    const Operation& operation = program.tasks.operations[op];
    const auto* call = operation.as<KernelCall>();
    if (call == nullptr || call->kernel < ETUDE_KERNEL_DECODE_INT8 ||
        call->kernel > ETUDE_KERNEL_DECODE_INT3_FP16) {
      continue;
    }
    for (const std::size_t at : {offsetof(etude_decode_args, src) / sizeof(std::uint32_t),
                                 offsetof(etude_decode_args, scales) / sizeof(std::uint32_t)}) {
      if (const L1Buffer* buffer = buffer_at(program, op, call->args.at(at))) {
        of_layer[operation.layer].insert(buffer);
      }
    }
  }
  std::uint64_t most = 0;
  for (const auto& [layer, buffers] : of_layer) {
    std::uint64_t sum = 0;
    for (const L1Buffer* buffer : buffers) {
      sum += buffer->bytes.raw();
    }
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

Json accounting_json(const Plan& plan) {
  const Program& program = plan.program();
  const Graph& graph = plan.training().graph;
  const PackedBase& packed = plan.workload().packed;
  std::uint64_t weights = 0, tables = 0, persistent = 0, inputs = 0;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (const auto stored = packed.find(id); stored != packed.end()) {
      weights += stored->second.bytes.size();
      tables += stored->second.stored_bytes() - stored->second.bytes.size();
      continue;
    }
    weights += is_weight(tensor) ? tensor.bytes() : 0;
    persistent += is_persistent(tensor) ? tensor.bytes() : 0;
    inputs += tensor.kind == TensorKind::kInput ? tensor.bytes() : 0;
  }
  const auto code = code_bytes(!packed.empty());
  const std::uint64_t list = program.tasks.bytes.size();
  const std::uint64_t decoded = decode_scratch(program);
  const unsigned workers = plan.config().platform.cluster.cores;
  const std::uint64_t stacks =
      ETUDE_L1_CONTROLLER_STACK_BYTES + std::uint64_t{ETUDE_L1_STACK_BYTES} * workers;
  const std::uint64_t activations = program.memory.activations_peak.raw();
  const std::uint64_t tiles = program.memory.l1_peak.raw() - program.l1_reserved.raw() - decoded;
  const std::uint64_t runtime = program.l1_reserved.raw() - stacks;
  return {{"flash",
           {{"code", code ? Json(*code) : Json()},
            {"weights", weights},
            {"scales_and_tables", tables},
            {"task_list", list},
            {"total", code.value_or(0) + weights + tables + list}}},
          {"arena",
           {{"persistent", persistent},
            {"inputs", inputs},
            {"non_persistent", activations},
            {"l1_tiles", tiles},
            {"decode_scratch", decoded},
            {"stacks", stacks},
            {"runtime", runtime},
            {"total", persistent + inputs + activations + tiles + decoded + stacks + runtime}}},
          {"tensors", tensors_of(program)}};
}

}  // namespace etude::run
