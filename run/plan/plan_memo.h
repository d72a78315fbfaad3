// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "compiler/lower/written_steps.h"
#include "run/plan/workload.h"

namespace etude::run {

/// What plans have in common whose configurations differ in nothing but L2's size, clock, HyperRAM
/// and flash, where nothing is asked of a schedule. Of several threads.
class PlanMemo {
 public:
  /// The workload with its warnings, also those of its inputs, whose numbers were looked at;
  /// without the values of its parameters. Null: not built yet.
  std::shared_ptr<const Workload> workload() const {
    const std::lock_guard<std::mutex> locked(mutex_);
    return workload_;
  }
  void set_workload(Workload workload) {
    workload.parameters.clear();
    const std::lock_guard<std::mutex> locked(mutex_);
    workload_ = std::make_shared<const Workload>(std::move(workload));
  }
  compiler::WrittenSteps& written() { return written_; }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Workload> workload_;
  compiler::WrittenSteps written_;
};

}  // namespace etude::run
