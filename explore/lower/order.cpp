// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/order.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace etude {

unsigned queue_of(const PlanOp& op) {
  if (op.probe >= 0) {
    return kProbeQueue;
  }
  const bool outwards = op.op.code == ETUDE_OP_DMA && op.op.arg[0] == ETUDE_DMA_TO_L2;
  return outwards ? static_cast<unsigned>(ETUDE_UNITS) : op.op.unit;
}

std::vector<std::vector<std::uint32_t>> find_dependences(const std::vector<PlanOp>& ops) {
  struct Earlier {
    std::uint32_t op;
    Access access;
  };
  std::array<std::vector<Earlier>, 3> seen;  // by space
  std::vector<std::vector<std::uint32_t>> dependences(ops.size());
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    auto& mine = dependences[i];
    for (const Access& access : ops[i].accesses) {
      for (const Earlier& other : seen[static_cast<unsigned>(access.space)]) {
        if ((access.write || other.access.write) && overlaps(access, other.access)) {
          mine.push_back(other.op);
        }
      }
    }
    std::ranges::sort(mine);
    mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
    for (const Access& access : ops[i].accesses) {
      auto& list = seen[static_cast<unsigned>(access.space)];
      const bool dense = access.rows == 1 || access.row_bytes == access.pitch;
      if (access.write && dense) {  // whoever touches these bytes later waits for this write
        std::erase_if(list, [&](const Earlier& other) {
          return other.access.address >= access.address && other.access.end() <= access.end();
        });
      }
    }
    for (const Access& access : ops[i].accesses) {
      seen[static_cast<unsigned>(access.space)].push_back({i, access});
    }
  }
  return dependences;
}

PostOrder schedule_operations(const std::vector<PlanOp>& ops,
                              const std::vector<std::vector<std::uint32_t>>& dependences) {
  constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t kWake = 60;  // the controller sees an event and posts: assumed
  const std::size_t n = ops.size();
  std::vector<std::vector<std::uint32_t>> dependants(n);
  std::vector<std::uint32_t> missing(n, 0);
  for (std::uint32_t i = 0; i < n; ++i) {
    missing[i] = static_cast<std::uint32_t>(dependences[i].size());
    for (std::uint32_t before : dependences[i]) {
      dependants[before].push_back(i);
    }
  }
  std::vector<std::uint64_t> finish(n, kUnknown), post(n, 0), ready(n, 0);
  std::array<std::uint64_t, kQueues> free{};
  std::array<std::uint64_t, kQueues> last_start{};
  std::array<std::set<std::pair<std::uint64_t, std::uint32_t>>, kQueues> waiting;  // by ready time
  const auto make_ready = [&](std::uint32_t i) {
    std::uint64_t when = 0, foreign = 0;
    for (std::uint32_t before : dependences[i]) {
      const bool other = queue_of(ops[before]) != queue_of(ops[i]);
      when = std::max(when, finish[before] + (other ? kWake : 0));
      foreign = std::max(foreign, other ? finish[before] : 0);
    }
    ready[i] = when;
    post[i] = foreign;
    waiting[queue_of(ops[i])].insert({when, i});
  };
  for (std::uint32_t i = 0; i < n; ++i) {
    if (missing[i] == 0) {
      make_ready(i);
    }
  }
  PostOrder result;
  std::vector<std::uint32_t> chosen;
  chosen.reserve(n);
  while (chosen.size() < n) {
    // The queue that can start something first; within it the lowest number among what is ready.
    std::uint64_t start = kUnknown;
    std::uint32_t pick = 0;
    unsigned from = 0;
    for (unsigned q = 0; q < kQueues; ++q) {
      if (waiting[q].empty()) {
        continue;
      }
      const std::uint64_t earliest = std::max(free[q], waiting[q].begin()->first);
      std::uint32_t lowest = std::numeric_limits<std::uint32_t>::max();
      for (const auto& [when, op] : waiting[q]) {
        if (when > earliest) {
          break;
        }
        lowest = std::min(lowest, op);
      }
      if (earliest < start || (earliest == start && lowest < pick)) {
        start = earliest;
        pick = lowest;
        from = q;
      }
    }
    waiting[from].erase({ready[pick], pick});
    // Two operations fit into a queue: one runs, one waits.
    post[pick] = std::max(post[pick], last_start[from]);
    last_start[from] = start;
    finish[pick] = start + ops[pick].cycles;
    free[from] = from == kProbeQueue ? 0 : finish[pick];
    result.cycles = std::max(result.cycles, finish[pick]);
    chosen.push_back(pick);
    for (std::uint32_t next : dependants[pick]) {
      if (--missing[next] == 0) {
        make_ready(next);
      }
    }
  }
  std::ranges::stable_sort(chosen, {}, [&](std::uint32_t i) { return post[i]; });
  result.order = std::move(chosen);
  return result;
}

}  // namespace etude
