// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/write_tape.h"

#include <algorithm>
#include <string>
#include <utility>

#include "compiler/emit/emit.h"
#include "compiler/memory/memory_plan.h"
#include "kernels/include/etude_boot.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {
namespace {

constexpr Address kL1{ETUDE_L1_BASE};
constexpr Bytes kLoss{8};

/// What the runtime takes, and the loss behind it.
Bytes l1_reserved(const PlatformConfig& platform) {
  const Bytes runtime{ETUDE_L1_RESERVED(platform.cluster.cores)};
  return (runtime + Bytes{7}) / 8 * 8 + kLoss;
}

L1Manager l1_manager(const Step& step) {
  const Bytes size = step.platform.cluster.tcdm.size;
  const Bytes before = l1_reserved(step.platform);
  if (size < before + Bytes{256}) {
    throw UserError("/platform/cluster/tcdm/size",
                    "is " + std::to_string(size.raw()) + ", and the runtime alone needs " +
                        std::to_string(before.raw()),
                    "give at least " + std::to_string((before + Bytes{4096}).raw()));
  }
  Bytes bytes = size - before;
  if (const Bytes budget = step.tiling.l1_budget; budget != Bytes{}) {
    if (budget > bytes) {
      throw UserError("/tiling/l1_budget",
                      "is " + std::to_string(budget.raw()) + ", and of L1's " +
                          std::to_string(size.raw()) + " bytes the runtime leaves " +
                          std::to_string(bytes.raw()),
                      "give at most " + std::to_string(bytes.raw()) + ", or 0 for all of it");
    }
    bytes = budget;
  }
  std::vector<L1Manager::Known> known;
  for (TensorId id = 0; id < step.graph().tensors().size(); ++id) {
    const Shape& shape = step.graph().tensor(id).shape;
    known.push_back(
        {step.storage.base(id), shape.empty() ? 1 : static_cast<std::uint32_t>(shape.back())});
  }
  return {kL1 + before, bytes, std::move(known)};
}

/// The numbers and scales of a weight that is decoded tile by tile.
void make_packed(const std::string& name, const PackedWeight& weight, TensorId id, Tape& tape) {
  StoredObject object;
  object.name = name;
  object.bytes = weight.number_bytes();
  object.parameter = object.persistent = true;
  const auto first = static_cast<ObjectId>(tape.objects.size());
  tape.objects.push_back(object);
  object.name += " scales";
  object.bytes = weight.scale_bytes();
  tape.objects.push_back(object);
  tape.packed_of[id] = {weight, first, first + 1};
}

void make_objects(const Step& step, Tape& tape) {
  for (TensorId id = 0; id < step.graph().tensors().size(); ++id) {
    const Tensor& tensor = step.tensor(id);
    if (step.storage.base(id) != id) {
      continue;
    }
    if (const auto packed = step.packed.find(id); packed != step.packed.end()) {
      make_packed(tensor.name, packed->second, id, tape);
      continue;
    }
    StoredObject object;
    object.name = tensor.name;
    object.bytes = Bytes{tensor.bytes()};
    object.type = tensor.dtype;
    object.parameter = tensor.kind == TensorKind::kParameter;
    object.persistent = object.parameter || tensor.kind == TensorKind::kInput ||
                        tensor.kind == TensorKind::kState || tensor.kind == TensorKind::kLoss;
    tape.object_of[id] = static_cast<ObjectId>(tape.objects.size());
    tape.objects.push_back(object);
  }
}

void make_layers(const Graph& graph, Tape& tape) {
  for (const Node& node : graph.nodes()) {
    tape.layers.push_back({node.name, name_of(node.op), name_of(node.phase), "cores",
                           rules_of(node.op).macs(graph, node)});
  }
}

/// With all of L1 for the operator.
void lower_alone(LoweringContext& c) {
  try {
    emit_operator(c);
  } catch (const NoRoom&) {
    throw UserError("operator '" + c.graph().node(c.step.operators[c.current].node).name + "'",
                    "its buffers do not fit into the " + std::to_string(c.l1.capacity().raw()) +
                        " bytes of L1 that it has for itself",
                    "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
  }
}

void write_operators(const Schedule& schedule, LoweringContext& c) {
  c.tape.set_layer(0);
  c.tape.fill({c.loss_cell, 1, 1, 1}, 0.0f);
  for (const std::uint32_t current : schedule.order) {
    c.current = current;
    c.tape.set_stage(static_cast<std::uint32_t>(c.current));
    const std::size_t ops = c.tape.ops.size();
    const std::size_t probes = c.tape.probes.size();
    const L1Manager before = c.l1;
    try {
      c.l1.begin_operator(static_cast<std::uint32_t>(c.current));
      c.residents = c.sharing.residents;
      emit_operator(c);
    } catch (const NoRoom&) {
      c.tape.ops.resize(ops);
      c.tape.probes.resize(probes);
      c.l1 = before;
      c.l1.begin_operator(static_cast<std::uint32_t>(c.current));
      c.l1.clear();
      c.residents = false;
      lower_alone(c);
    }
    c.l1.end_operator();
    for (TensorId tensor : c.l1.tensors()) {
      if (!c.sharing.residents || c.next_use(tensor) > c.sharing.keep_for + 1) {
        c.l1.drop(tensor);
      }
    }
  }
}

}  // namespace

WrittenStep write_tape(const Step& step, const Schedule& schedule, const SharingChoice& sharing,
                       Tilings& tilings, const SumCuts& cuts) {
  LoweringContext context{step,
                          sharing,
                          Tape(step.cost, sharing.transfer),
                          l1_manager(step),
                          tilings,
                          kL1 + l1_reserved(step.platform) - kLoss,
                          0,
                          true,
                          {},
                          &cuts};
  make_objects(step, context.tape);
  make_layers(step.graph(), context.tape);
  write_operators(schedule, context);
  drop_unread_stores(context.tape);
  return {std::move(context.tape), context.l1.blocks(), l1_reserved(step.platform),
          context.l1.peak(), std::move(context.cuts)};
}

}  // namespace etude::compiler
