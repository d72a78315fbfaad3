// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_traffic.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/lower/write_tape.h"
#include "compiler/schedule/keep.h"

namespace etude::run {
namespace {

bool computes(const compiler::PlanOp& op) {
  return op.as<KernelCall>() != nullptr || op.as<MatrixJob>() != nullptr;
}

/// Where a slot's operations of the tape begin to compute, and where they end to.
struct Computing {
  std::size_t first = 0, last = 0;
};

}  // namespace

compiler::StepTraffic traffic_of(const compiler::Step& step, compiler::Tilings& tilings) {
  compiler::SharingChoice apart;
  apart.residents = false;
  const compiler::Tape tape =
      compiler::write_tape(step, compiler::KeepPolicy().choose(step), apart, tilings).tape;
  std::map<ObjectId, TensorId> storage;
  for (const auto& [tensor, object] : tape.object_of) {
    storage[object] = tensor;
  }
  compiler::StepTraffic traffic;
  traffic.beside.resize(step.operators.size());
  std::map<ObjectId, std::pair<compiler::Slot, compiler::Slot>> others;
  std::map<compiler::Slot, Computing> computing;
  for (std::size_t i = 0; i < tape.ops.size(); ++i) {
    if (computes(tape.ops[i])) {
      computing.try_emplace(tape.ops[i].stage, i, i).first->second.last = i;
    }
  }
  for (std::size_t i = 0; i < tape.ops.size(); ++i) {
    const compiler::PlanOp& op = tape.ops[i];
    const auto at = computing.find(op.stage);
    for (const Access& access : op.accesses) {
      if (access.space != Access::Space::kL2) {
        continue;
      }
      if (const auto found = storage.find(access.object); found != storage.end()) {
        compiler::StorageTraffic& of = traffic.storages[found->second];
        (access.write ? of.writes : of.reads).insert(op.stage);
        const auto bytes = static_cast<double>(tape.objects[access.object].bytes.raw());
        if (at != computing.end() && !access.write) {
          double& lead = of.leads.try_emplace(op.stage, 0).first->second;
          lead = i < at->second.first ? std::max(lead, access.end() / bytes) : lead;
        } else if (at != computing.end()) {
          double& trail = of.trails.try_emplace(op.stage, 0).first->second;
          trail = i > at->second.last ? std::max(trail, 1 - access.address / bytes) : trail;
        }
      } else {  // the statistics of a normalisation
        others.try_emplace(access.object, op.stage, op.stage).first->second.second = op.stage;
      }
    }
  }
  for (const auto& [object, stay] : others) {
    for (compiler::Slot slot = stay.first; slot <= stay.second; ++slot) {
      traffic.beside[slot] += (tape.objects[object].bytes + Bytes{7}) / 8 * 8;
    }
  }
  return traffic;
}

}  // namespace etude::run
