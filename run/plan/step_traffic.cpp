// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_traffic.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/lower/write_tape.h"
#include "compiler/schedule/keep.h"

namespace etude::run {

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
  for (const compiler::PlanOp& op : tape.ops) {
    for (const Access& access : op.accesses) {
      if (access.space != Access::Space::kL2) {
        continue;
      }
      if (const auto found = storage.find(access.object); found != storage.end()) {
        compiler::StorageTraffic& of = traffic.storages[found->second];
        (access.write ? of.writes : of.reads).insert(op.stage);
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
