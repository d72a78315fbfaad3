// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/tape/tape.h"

namespace etude {

/// Modelled cycles of a step whose operations are posted in this order by one controller: it works
/// through the list, waits where a dependence crosses queues, and is held up by full queues.
/// RedMulE holds two jobs, the cores seven kernels, each direction of the cluster DMA one transfer
/// beside the running one (MCHAN) or sixteen in all (`one_dma`: iDMA, both directions in order).
std::uint64_t replay_cycles(const std::vector<PlanOp>& ops,
                            const std::vector<std::vector<std::uint32_t>>& dependences,
                            const std::vector<std::uint32_t>& order, bool one_dma);

/// Part of its full speed at which a queue works while RedMulE's wide port takes `share` of the
/// cycles of L1, and the cores their part of the rest.
double speed_beside_redmule(unsigned queue, double share, bool cores_work);

}  // namespace etude
