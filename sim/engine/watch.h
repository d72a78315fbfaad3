// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "models/dma/cluster_dma.h"
#include "models/iss/core/core_observer.h"
#include "models/redmule/redmule.h"
#include "sim/platform/platform.h"

namespace etude {

/// Is told what a checker of programs must know beyond the accesses of the harts, each thing in the
/// cycle in which it happens.
class EngineWatch {
 public:
  virtual ~EngineWatch() = default;

  /// The run begins. Returns who is told the accesses of each hart, by hart.
  virtual std::vector<AccessObserver*> begin(Platform& platform) = 0;
  /// `hart` asks the event unit for `access`, which may keep it waiting.
  virtual void asks(unsigned hart, const DataAccess& access, Cycle now) = 0;
  /// The cluster's DMA has completed a transfer.
  virtual void transfer_done(const DmaRecord& record) = 0;
  /// RedMulE sends the event of a job.
  virtual void job_done() = 0;
  /// RedMulE stores `beat` in this cycle, behind the event of its job.
  virtual void stored_late(const WideRequest& beat, Cycle now) = 0;
  /// Nothing will ever happen again, and the program has not ended.
  virtual void asleep(Cycle now) = 0;
  /// The limit of the run has come, and the program has not ended.
  virtual void cut_off(Cycle now) = 0;
};

}  // namespace etude
