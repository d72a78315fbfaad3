// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/energy/events.h"
#include "sim/report/result.h"
#include "sim/report/text.h"

namespace etude {
namespace {
constexpr double kAxiBytes = 8;  // 64-bit port of the cluster towards L2

double sum(const Activity& activity, const std::vector<std::string>& events) {
  double total = 0;
  for (const std::string& event : events) {
    total += count_events(activity, event);
  }
  return total;
}

std::uint64_t macs_on(const RunFacts& facts, const std::string& unit) {
  std::uint64_t macs = 0;
  for (const Layer& layer : facts.layers) {
    macs += layer.unit == unit ? layer.macs : 0;
  }
  return macs;
}
}  // namespace

std::vector<Bound> bounds_of(const PlatformConfig& platform, const RunFacts& facts,
                             const StepRecord& step) {
  const ClusterConfig& cluster = platform.cluster;
  const Activity activity = activity_of(step);
  std::vector<Bound> bounds;
  const auto add = [&](const std::string& resource, double work, const std::string& unit,
                       double rate) {
    if (work > 0) {
      bounds.push_back({resource,
                        with_commas(static_cast<std::uint64_t>(work)) + " " + unit + " at " +
                            fixed(rate, rate == static_cast<int>(rate) ? 0 : 2) + " " + unit +
                            "/cycle",
                        work / rate});
    }
  };
  if (cluster.redmule.enabled) {
    add("RedMulE array", static_cast<double>(macs_on(facts, "redmule")), "MAC",
        static_cast<double>(cluster.redmule.height) * cluster.redmule.width);
    add("RedMulE port", sum(activity, redmule_beats()), "beats", 1);
  }
  std::uint64_t busiest = 0;
  for (const UnitRecord& unit : step.units) {
    busiest = unit.name.rfind("core", 0) == 0 ? std::max(busiest, unit.busy) : busiest;
  }
  add("cores (busiest)", static_cast<double>(busiest), "instructions", 1);
  add("L2 bandwidth", sum(activity, l2_l1_read()) + sum(activity, l2_l1_write()), "B", kAxiBytes);
  add("L3 bandwidth", sum(activity, l3_l2_read()) + sum(activity, l3_l2_write()), "B",
      platform.hyperram.bandwidth_mb_s * 1e6 / cluster.clock_hz);
  std::stable_sort(bounds.begin(), bounds.end(),
                   [](const Bound& a, const Bound& b) { return a.cycles > b.cycles; });
  return bounds;
}

}  // namespace etude
