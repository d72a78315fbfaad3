// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>

#include "sim/energy/events.h"
#include "sim/report/result.h"
#include "sim/report/text.h"

namespace etude {
namespace {
constexpr double kAxiBytes = 8;  // of each channel of the 64-bit port towards L2, each cycle

double sum(const Activity& activity, const std::vector<std::string>& events) {
  double total = 0;
  for (const std::string& event : events) {
    total += count_events(activity, event);
  }
  return total;
}

std::string work_text(double work, const std::string& unit, double rate) {
  const int digits = rate == static_cast<int>(rate) ? 0 : 2;
  return with_commas(static_cast<std::uint64_t>(work)) + " " + unit + " at " + fixed(rate, digits) +
         " " + unit + "/cycle";
}

/// Products of the algorithm on the array in a step.
double macs_of_array(const RunFacts& facts) {
  std::uint64_t macs = 0;
  for (const Layer& layer : facts.layers) {
    macs += layer.unit == "redmule" ? layer.macs : 0;
  }
  return static_cast<double>(macs * facts.passes);
}

/// What jobs compute beyond the algorithm is padding too: rows that fill a tile, taps outside an
/// image. A layer may leave a part of its products to the cores.
Bound array_bound(const RedmuleConfig& array, const RunFacts& facts, const Activity& activity,
                  double cycles) {
  const double rate = static_cast<double>(array.height) * array.width;
  const double of_jobs = count_events(activity, "redmule.fma_useful");
  const double useful = std::min(of_jobs, macs_of_array(facts));
  const double padded = of_jobs - useful + count_events(activity, "redmule.fma_padded");
  const double slots = rate * cycles;
  Bound bound{"RedMulE array", work_text(useful, "MAC", rate), useful / rate, {}};
  if (slots > 0) {
    bound.parts = {{"useful", useful / slots},
                   {"padded", padded / slots},
                   {"idle", (slots - useful - padded) / slots}};
  }
  return bound;
}

void check_bounds(const std::vector<Bound>& bounds, double cycles) {
  for (const Bound& bound : bounds) {
    const bool parts_hold =
        std::ranges::none_of(bound.parts, [](const auto& part) { return part.second < 0; });
    if (bound.cycles > cycles || !parts_hold) {
      throw std::logic_error("the step took " + fixed(cycles, 0) + " cycles, and " +
                             bound.resource + " alone needs " + fixed(bound.cycles, 1) + " (" +
                             bound.work + ")");
    }
  }
}
}  // namespace

std::vector<Bound> bounds_of(const PlatformConfig& platform, const RunFacts& facts,
                             const StepRecord& step) {
  const ClusterConfig& cluster = platform.cluster;
  const Activity activity = activity_of(step);
  const auto cycles = static_cast<double>(step.cycles.raw());
  std::vector<Bound> bounds;
  const auto add = [&](const std::string& resource, double work, const std::string& unit,
                       double rate) {
    bounds.push_back({resource, work_text(work, unit, rate), work / rate, {}});
  };
  if (cluster.redmule.enabled) {
    bounds.push_back(array_bound(cluster.redmule, facts, activity, cycles));
    add("RedMulE port", sum(activity, redmule_beats()), "beats", 1);
  }
  std::uint64_t busiest = 0;
  for (const UnitRecord& unit : step.units) {
    busiest = unit.name.rfind("core", 0) == 0 ? std::max(busiest, unit.busy) : busiest;
  }
  add("cores (busiest)", static_cast<double>(busiest), "instructions", 1);
  add("L2 bandwidth", std::max(sum(activity, l2_l1_read()), sum(activity, l2_l1_write())), "B",
      kAxiBytes);
  const auto bytes_per_cycle = [&](double mb_s) { return mb_s * 1e6 / cluster.clock_hz; };
  add("L3 bandwidth", sum(activity, {"hyperram.read_bytes", "hyperram.write_bytes"}), "B",
      bytes_per_cycle(platform.hyperram.bandwidth_mb_s));
  add("flash bandwidth", sum(activity, {"flash.read_bytes"}), "B",
      bytes_per_cycle(platform.flash.read_mb_s));
  const double cycles_per_us = cluster.clock_hz * 1e-6;
  bounds.push_back({"flash programming",
                    fixed(sum(activity, {"flash.sectors"}), 0) + " sectors erased, " +
                        fixed(sum(activity, {"flash.pages"}), 0) + " pages programmed",
                    (sum(activity, {"flash.sectors"}) * platform.flash.sector_erase_ms * 1e3 +
                     sum(activity, {"flash.pages"}) * platform.flash.page_program_us) *
                        cycles_per_us,
                    {}});
  check_bounds(bounds, cycles);
  std::erase_if(bounds, [](const Bound& bound) { return bound.cycles <= 0; });
  std::ranges::stable_sort(bounds,
                           [](const Bound& a, const Bound& b) { return a.cycles > b.cycles; });
  return bounds;
}

}  // namespace etude
