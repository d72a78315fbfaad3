// SPDX-License-Identifier: Apache-2.0
#include "run/plan/program_json.h"

#include <algorithm>
#include <array>
#include <string>

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

/// Columns of equal length, in the order in which they were first named.
class Columns {
 public:
  explicit Columns(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      columns_[name] = Json::array();
    }
  }
  void add(std::initializer_list<Json> row) {
    auto column = columns_.begin();
    for (const Json& value : row) {
      (column++)->push_back(value);
    }
  }
  Json take() { return std::move(columns_); }

 private:
  Json columns_ = Json::object();
};

struct KindAndBytes {
  const char* kind = "";
  std::uint64_t bytes = 0;
};

KindAndBytes kind_of(const Operation& operation) {
  if (operation.as<KernelCall>() != nullptr) {
    return {"kernel"};
  }
  if (operation.as<MatrixJob>() != nullptr) {
    return {"job"};
  }
  if (const auto* transfer = operation.as<Transfer>()) {
    return {transfer->to_l1 ? "to L1" : "to L2", transfer->bytes()};
  }
  if (const auto* page = operation.as<PageTransfer>()) {
    return {"page", page->bytes};
  }
  if (const auto* erase = operation.as<FlashErase>()) {
    return {"erase", erase->bytes};
  }
  return {operation.as<Wait>() != nullptr ? "wait" : "end"};
}

Json operations_json(const Program& program) {
  constexpr std::array<const char*, kUnits> units{"cores", "redmule", "dma", "soc_dma"};
  Columns columns({"kind", "unit", "layer", "bytes", "m", "n", "k"});
  for (const Operation& operation : program.tasks.operations) {
    const auto [kind, bytes] = kind_of(operation);
    const auto* job = operation.as<MatrixJob>();
    const MatrixJob none;
    const MatrixJob& shape = job != nullptr ? *job : none;
    const bool named = operation.layer < program.layers.size();
    columns.add(
        {kind,
         operation.posted() ? units.at(static_cast<std::size_t>(operation.unit())) : "controller",
         named ? program.layers[operation.layer].name : "", bytes, shape.m, shape.n, shape.k});
  }
  return columns.take();
}

Json tensors_json(const Program& program) {
  Columns columns({"name", "kind", "memory", "address", "bytes", "always"});
  for (const StoredTensor& tensor : program.stored) {
    if (tensor.address == Address{}) {
      continue;  // it is written where another one stands
    }
    columns.add({tensor.name, tensor.kind, tensor.external ? "extmem" : "l2", tensor.address.raw(),
                 tensor.bytes.raw(), tensor.always});
  }
  return columns.take();
}

Json buffers_json(const Program& program) {
  Columns columns({"address", "bytes", "first_op", "last_op"});
  for (const L1Buffer& buffer : program.l1_buffers) {
    const auto last = std::ranges::max_element(buffer.last_ops);
    columns.add({buffer.address.raw(), buffer.bytes.raw(), buffer.first_op,
                 last == buffer.last_ops.end() ? buffer.first_op : *last});
  }
  return columns.take();
}

}  // namespace

Json layers_json(const std::vector<Layer>& layers) {
  Json all = Json::array();
  for (const Layer& layer : layers) {
    all.push_back({{"name", layer.name},
                   {"op", layer.op},
                   {"phase", layer.phase},
                   {"unit", layer.unit},
                   {"macs", layer.macs}});
  }
  return all;
}

Json program_json(const Program& program) {
  return {{"home", program.home_extmem ? "extmem" : "l2"},
          {"memory", memory_json(program.memory)},
          {"modelled_cycles", program.modelled_cycles.raw()},
          {"kernel_cycles", program.kernel_cycles.raw()},
          {"budget", program.budget ? Json(program.budget->raw()) : Json()},
          {"task_list_bytes", program.tasks.bytes.size()},
          {"task_list_window", program.tasks.window.raw()},
          {"l1_reserved", program.l1_reserved.raw()},
          {"layers", layers_json(program.layers)},
          {"operations", operations_json(program)},
          {"tensors", tensors_json(program)},
          {"l1_buffers", buffers_json(program)},
          {"warnings", program.warnings}};
}

}  // namespace etude::run
