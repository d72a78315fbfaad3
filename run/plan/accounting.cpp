// SPDX-License-Identifier: Apache-2.0
#include "run/plan/accounting.h"

#include <algorithm>
#include <map>
#include <optional>

#include "kernels/include/etude_boot.h"
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

/// Runtime and kernels; none where they are not built.
std::optional<std::uint64_t> code_bytes() {
  try {
    return loaded_bytes(read_whole_file(runtime_file(), ""));
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

Json tensors_of(const Program& program) {
  std::map<std::string, Json> rows;
  for (const StoredTensor& stored : program.stored) {
    Json& row = rows[stored.name];
    if (row.is_null()) {
      row = {{"name", stored.name},
             {"kind", stored.kind},
             {"bytes", stored.bytes.raw()},
             {"memory", stored.external ? "extmem" : "l2"},
             {"always", stored.always}};
    }
  }
  std::vector<Json> list;
  for (auto& [name, row] : rows) {
    list.push_back(std::move(row));
  }
  std::ranges::stable_sort(list, [](const Json& a, const Json& b) {
    return a.at("bytes").get<std::uint64_t>() > b.at("bytes").get<std::uint64_t>();
  });
  return Json(list);
}

}  // namespace

Json accounting_json(const Plan& plan) {
  const Program& program = plan.program();
  const Graph& graph = plan.training().graph;
  std::uint64_t weights = 0, persistent = 0, inputs = 0;
  for (const Tensor& tensor : graph.tensors()) {
    weights += is_weight(tensor) ? tensor.bytes() : 0;
    persistent += is_persistent(tensor) ? tensor.bytes() : 0;
    inputs += tensor.kind == TensorKind::kInput ? tensor.bytes() : 0;
  }
  const auto code = code_bytes();
  const std::uint64_t list = program.tasks.bytes.size();
  const std::uint64_t tables = 0;  // of packed weights, which no step has yet
  const std::uint64_t decoded = 0;
  const unsigned workers = plan.config().platform.cluster.cores;
  const std::uint64_t stacks =
      ETUDE_L1_CONTROLLER_STACK_BYTES + std::uint64_t{ETUDE_L1_STACK_BYTES} * workers;
  const std::uint64_t activations = program.memory.activations_peak.raw();
  const std::uint64_t tiles = program.memory.l1_peak.raw() - program.l1_reserved.raw();
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
