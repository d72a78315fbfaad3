// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "compiler/order/step_graph.h"

namespace etude::compiler {

/// Modelled cycles of a step whose operations are posted in this order by one controller: it works
/// through the list, waits where a dependence crosses queues, and is held up by full queues.
/// RedMulE holds two jobs, the cores seven kernels, each direction of the cluster DMA one transfer
/// beside the running one (MCHAN) or sixteen in all (`one_dma`: iDMA, both directions in order).
/// Gives up as soon as the step cannot take less than `limit` cycles; then `limit` or more.
Cycle replay_cycles(const StepGraph& graph, const std::vector<std::uint32_t>& order, bool one_dma,
                    Cycle limit = kNever);

/// Part of its full speed at which a queue works while RedMulE's wide port takes `share` of the
/// cycles of L1, and the cores their part of the rest.
inline double speed_beside_redmule(const UnitCosts& costs, unsigned queue, double share,
                                   bool cores_work) {
  switch (queue) {
    case queue_of(TaskUnit::kCores):
      return 1 - costs.core_accesses * share;
    case queue_of(TaskUnit::kDma):
    case kOutwards:
      return std::max(0.1, 1 - share) * (cores_work ? costs.bank_conflicts : 1);
    default:
      return 1;
  }
}

/// These speeds of all queues, worked out again where what they follow from has changed.
class QueueSpeeds {
 public:
  const std::array<double, kQueues>& beside(const UnitCosts& costs, double share, bool cores_work) {
    if (share != share_ || cores_work != cores_work_) {
      share_ = share;
      cores_work_ = cores_work;
      for (unsigned q = 0; q < kQueues; ++q) {
        speeds_[q] = speed_beside_redmule(costs, q, share, cores_work);
      }
    }
    return speeds_;
  }

 private:
  double share_ = -1;  ///< none yet
  bool cores_work_ = false;
  std::array<double, kQueues> speeds_{};
};

}  // namespace etude::compiler
