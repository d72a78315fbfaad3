// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "program/program.h"
#include "run/plan/bank_contention.h"
#include "run/plan/controller_work.h"
#include "sim/config/platform_config.h"

namespace etude::run {

constexpr std::uint32_t kNoOperation = ~0u;

/// What the operations of a task list take on their units while no other unit works, in cycles;
/// waits take none. Of RedMulE jobs also the part of their cycles in which the wide port takes the
/// banks of L1.
struct ListTimes {
  std::vector<double> alone, port_share;
  std::vector<double> behind = {};  ///< the same straight behind another one; empty: as alone
  /// How fast units work beside each other: the kernel and the job at work (their operations;
  /// kNoOperation: none), and directions of the cluster DMA. Empty: as speed_beside() says.
  std::function<UnitSpeeds(std::uint32_t kernel, std::uint32_t job, unsigned transfers)> beside =
      {};
  /// What the controller takes more to post each operation, in cycles of its work; empty: nothing.
  std::vector<double> refetch = {};
  ControllerWork work = {};
  double controller = 1;  ///< all of that in other proportion
  double transfers = 1;   ///< the same of its programming of the cluster DMA, beside that
};

/// Part of its full speed at which a unit works beside others: while RedMulE's port takes so much
/// of the banks, and while cores work or do not.
double speed_beside(TaskUnit unit, double port_share, bool cores_work,
                    const ClusterConfig& cluster);

/// Cycles of a pass over a task list, as the runtime goes through it: one controller, or core 0
/// between its kernels, posts operation by operation, waits where the list says so, fetches the
/// list itself by the cluster DMA, and is held up by full queues. Transfers are seen to be over in
/// the order of their posting, whatever their direction. Errors: std::logic_error for a list that
/// waits for what it never posts. `taken_up`: becomes the moment at which the controller came to
/// each operation; `done`: at which its unit was done with it, 0 of waits; `held_up`: cycles that a
/// kernel took more than by itself because of others.
double replay_list(const TaskList& tasks, const ListTimes& times, const ClusterConfig& cluster,
                   std::vector<double>* taken_up = nullptr, std::vector<double>* done = nullptr,
                   std::vector<double>* held_up = nullptr);

}  // namespace etude::run
