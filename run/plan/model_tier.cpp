// SPDX-License-Identifier: Apache-2.0
#include "run/plan/model_tier.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "run/plan/list_replay.h"
#include "run/plan/model_correction.h"
#include "run/plan/model_times.h"
#include "run/plan/passes.h"
#include "sim/config/changed_keys.h"
#include "sim/energy/events.h"
#include "sim/report/result.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;
using Counts = std::map<std::string, std::uint64_t>;

/// How often a shape comes, and how often its code is not in the I-cache.
struct Times {
  double all = 0, cold = 0;
};

/// Sums of events that were counted over two operations each.
class Sums {
 public:
  void add(const LoneCosts& costs, const Times& times) {
    add(costs.counters, times.all, counters_);
    add(costs.stalls, times.all, stalls_);
    const double cold = model_correction().cold_share * times.cold;
    add(costs.cold_counters, cold, counters_);
    add(costs.cold_stalls, cold, stalls_);
  }
  Counts counters() const { return halved(counters_); }
  Counts stalls() const { return halved(stalls_); }

 private:
  using Double = std::map<std::string, double>;
  static void add(const Counts& counts, double times, Double& sums) {
    if (times != 0) {
      for (const auto& [name, count] : counts) {
        sums[name] += static_cast<double>(count) * times;
      }
    }
  }
  static Counts halved(const Double& sums) {
    Counts counts;
    for (const auto& [name, sum] : sums) {
      counts[name] = static_cast<std::uint64_t>(sum / 2);
    }
    return counts;
  }
  Double counters_, stalls_;
};

/// Segments from one taken-up operation to the next, in whole cycles that make the step's.
std::vector<OpSegment> segments_of(const std::vector<double>& taken_up, double replayed,
                                   std::uint64_t cycles) {
  const double scale = replayed > 0 ? static_cast<double>(cycles) / replayed : 0;
  std::vector<OpSegment> segments;
  for (std::uint32_t i = 0; i < taken_up.size(); ++i) {
    const auto begin = static_cast<std::uint64_t>(i == 0 ? 0 : taken_up[i] * scale);
    if (i != 0) {
      segments.back().end = Cycle{begin};
    }
    segments.push_back({i, Cycle{begin}, Cycle{cycles}});
  }
  return segments;
}

/// A unit that counts its own cycles: busy, the stalls that it names, the rest idle.
UnitRecord unit_of(const std::string& name, const Counts& counters,
                   const std::vector<std::string>& stalls, std::uint64_t cycles) {
  const auto counted = [&](const std::string& event) {
    const auto found = counters.find(name + "." + event);
    return found == counters.end() ? 0 : std::min(found->second, cycles);
  };
  UnitRecord unit{name, counted("busy"), {}};
  std::uint64_t left = cycles - unit.busy;
  for (const std::string& stall : stalls) {
    const std::uint64_t most = std::min(left, counted(stall));
    if (most != 0) {
      unit.stalls[stall] = most;
      left -= most;
    }
  }
  unit.stalls["idle"] = left;
  return unit;
}

/// The harts share what was counted of all of them evenly; what is left, they sleep.
std::vector<UnitRecord> units_of(const ClusterConfig& cluster, const Counts& counters,
                                 const Counts& stalls, std::uint64_t cycles) {
  std::vector<UnitRecord> units;
  const unsigned harts = cluster.cores + 1;
  for (unsigned h = 0; h < harts; ++h) {
    UnitRecord unit{h == cluster.cores ? "controller" : "core" + std::to_string(h), 0, {}};
    std::uint64_t left = cycles;
    for (const auto& [reason, count] : stalls) {
      const std::uint64_t most = std::min(left, count / harts + (h < count % harts ? 1 : 0));
      (reason == "busy" ? unit.busy : unit.stalls[reason]) = most;
      left -= most;
    }
    unit.stalls["event_wait"] = left;
    units.push_back(std::move(unit));
  }
  if (cluster.redmule.enabled) {
    units.push_back(unit_of("redmule", counters,
                            {"drain", "port_conflict", "tiler", "w_wait", "x_wait", "yz_wait"},
                            cycles));
  }
  units.push_back(unit_of("dma", counters, {"l2_wait", "queue", "tcdm_conflict"}, cycles));
  units.push_back(unit_of("soc_dma", counters, {}, cycles));
  return units;
}

/// What the cluster DMA does to bring so many operations of the list.
void add_list(Counts& counters, std::uint64_t operations) {
  const std::uint64_t bytes = operations * sizeof(etude_op);
  counters["dma.bytes_in"] += bytes;
  counters["l2.read_bytes"] += bytes;
  counters["tcdm.writes"] += bytes / 4;
}

/// Every counter that is priced, at least as 0.
void add_absent(Counts& counters, const PlatformConfig& platform) {
  for (const std::string& event : counted_events(platform)) {
    if (std::ranges::none_of(counters, [&](const auto& c) { return is_event(c.first, event); })) {
      const bool core = event.starts_with("core.");
      counters[core ? "core0." + event.substr(5) : event] = 0;
    }
  }
}

/// How often each shape comes: in the step, and in each layer if these are asked for.
struct Counted {
  std::map<std::uint32_t, Times> of_step;
  std::vector<std::map<std::uint32_t, Times>> of_layer;
};

Counted counted(const ModelledPlan& plan, const std::vector<double>& cold_part, Detail detail) {
  Counted found;
  found.of_layer.resize(detail == Detail::kLayers ? plan.program.layers.size() : 0);
  const auto add = [](Times& times, double cold) {
    ++times.all;
    times.cold += cold;
  };
  for (std::size_t i = 0; i < plan.shapes.of.size(); ++i) {
    const std::uint32_t shape = plan.shapes.of[i];
    if (shape == ProgramShapes::kNone) {
      continue;
    }
    add(found.of_step[shape], cold_part[i]);
    if (detail == Detail::kLayers) {
      add(found.of_layer.at(plan.program.tasks.operations[i].layer)[shape], cold_part[i]);
    }
  }
  return found;
}

Sums sums_of(const std::map<std::uint32_t, Times>& of, const ProgramCosts& costs) {
  Sums all;
  for (const auto& [shape, times] : of) {
    all.add(*costs.shapes[shape], times);
  }
  return all;
}

/// Counters and stalls of each layer.
void add_layers(const Program& program, const Counted& counted, const ProgramCosts& costs,
                StepRecord& step) {
  std::vector<std::uint64_t> listed(program.layers.size());
  for (const Operation& operation : program.tasks.operations) {
    ++listed.at(operation.layer);
  }
  for (const auto& layer : counted.of_layer) {
    const Sums all = sums_of(layer, costs);
    step.layer_counters.push_back(all.counters());
    add_list(step.layer_counters.back(), listed[step.layer_counters.size() - 1]);
    step.layer_stalls.push_back(all.stalls());
    step.layer_stalls.back().erase("busy");
  }
}

/// Cycles of cores in kernels that no kernel has by itself: they wait for banks that others have,
/// and for code that is in the shared I-cache only.
void add_waits(const Program& program, const ClusterConfig& cluster, const Coldness& cold,
               const std::vector<double>& held_up, Counts& stalls, std::vector<Counts>& of_layers) {
  std::map<std::string, double> all;
  std::vector<std::map<std::string, double>> each(of_layers.size());
  const std::vector<Operation>& operations = program.tasks.operations;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].as<KernelCall>() == nullptr) {
      continue;
    }
    for (const auto& [reason, cycles] :
         {std::pair("tcdm_conflict", held_up[i]), {"icache_miss", cold.from_shared[i]}}) {
      all[reason] += cluster.cores * cycles;
      if (!each.empty()) {
        each.at(operations[i].layer)[reason] += cluster.cores * cycles;
      }
    }
  }
  const auto add = [](const std::map<std::string, double>& more, Counts& counts) {
    for (const auto& [reason, cycles] : more) {
      counts[reason] += static_cast<std::uint64_t>(cycles);
    }
  };
  add(all, stalls);
  for (std::size_t layer = 0; layer < each.size(); ++layer) {
    add(each[layer], of_layers[layer]);
  }
}

/// A step, and when each of its operations was taken up and done in the replay.
struct Replayed {
  StepRecord step;
  std::vector<double> taken_up, done;
};

Replayed replayed_step(const ModelledPlan& plan, const ProgramCosts& costs, Detail detail) {
  const PlatformConfig& platform = plan.config.platform;
  const Program& program = plan.program;
  Replayed made;
  StepRecord& step = made.step;
  const Coldness cold = coldness(plan, costs);
  std::vector<double> held_up;
  const double replayed = replay_list(program.tasks, times_of(plan, costs, cold), platform.cluster,
                                      &made.taken_up, &made.done, &held_up);
  const Counted found = counted(plan, cold.part, detail);
  const Sums sums = sums_of(found.of_step, costs);
  step.counters = sums.counters();
  add_list(step.counters, program.tasks.operations.size());
  add_absent(step.counters, platform);
  add_layers(program, found, costs, step);
  Counts stalls = sums.stalls();
  add_waits(program, platform.cluster, cold, held_up, stalls, step.layer_stalls);
  // No step is shorter than what one of its units alone needs.
  RunFacts facts = plan.facts;
  facts.macs /= facts.passes;
  facts.passes = 1;
  step.cycles = kNever;
  double least = 1;
  for (const Bound& bound : bounds_of(platform, facts, step)) {
    least = std::max(least, std::ceil(bound.cycles));
  }
  step.cycles = Cycle{static_cast<std::uint64_t>(std::max(replayed, least))};
  if (detail == Detail::kLayers) {
    step.segments = segments_of(made.taken_up, replayed, step.cycles.raw());
  }
  step.units = units_of(platform.cluster, step.counters, stalls, step.cycles.raw());
  return made;
}

}  // namespace

void check_model_tier(const RootConfig& config) {
  const auto refuse = [](bool refused, const char* pointer, const char* what) {
    if (refused) {
      throw UserError(pointer, std::string(what) + " is not available in the tier \"model\"",
                      "set /run/tier to \"cycle\"");
    }
  };
  refuse(config.schedule.page_to != ScheduleConfig().page_to, "/schedule/page_to",
         "paging to flash");
  refuse(!config.platform.cluster.controller, "/platform/cluster/controller",
         "a cluster without controller");
  refuse(config.run.trace, "/run/trace", "a trace");
  refuse(config.run.check, "/run/check", "the check of memory accesses");
}

StepRecord modelled_step(const ModelledPlan& plan, const ProgramCosts& costs, Detail detail) {
  return replayed_step(plan, costs, detail).step;
}

MeasuredPass modelled_pass(const ModelledPlan& plan, const ProgramCosts& costs) {
  const Replayed made = replayed_step(plan, costs, Detail::kStep);
  MeasuredPass pass{activity_of(made.step), {}, {}};
  for (std::size_t i = 0; i < made.taken_up.size(); ++i) {
    pass.spans.push_back({Cycle{static_cast<std::uint64_t>(made.taken_up[i])},
                          Cycle{static_cast<std::uint64_t>(made.done[i])}});
  }
  return pass;
}

Json model_result(const ModelledPlan& plan, const ProgramCosts& costs,
                  const std::vector<std::string>& warnings, double wall_s, Detail detail) {
  RunFacts facts = plan.facts;
  facts.warnings.insert(facts.warnings.begin(), warnings.begin(), warnings.end());
  if (detail == Detail::kStep) {
    facts.layers.clear();
  }
  RunRecord record;
  const auto repeats = static_cast<unsigned>(facts.passes);
  std::vector<StepRecord> passes(repeats, modelled_step(plan, costs, detail));
  record.steps = join_passes(std::move(passes), repeats);
  record.cycles = record.steps.front().cycles;
  // Every step takes as long; what it leaves numerically is not known.
  record.steps.resize(std::max(1u, plan.config.train.steps), record.steps.front());
  for (std::size_t i = 1; i < record.steps.size(); ++i) {
    record.cycles += record.steps[i].cycles;
  }
  Json result = make_result(plan.config, facts, record, {}, {}, {wall_s, ETUDE_VERSION});
  const ModelError& error = model_error();
  const ModelCorrection& correction = model_correction();
  result["model"] = {{"operations", plan.shapes.of.size()},
                     {"shapes", costs.shapes.size()},
                     {"correction",
                      {{"kept_share", correction.kept_share},
                       {"private_line", correction.private_line},
                       {"cold_share", correction.cold_share},
                       {"controller_work", correction.controller_work},
                       {"controller_refetch", correction.controller_refetch},
                       {"mchan_work", correction.mchan_work},
                       {"idma_work", correction.idma_work},
                       {"kernel_held_up", correction.kernel_held_up}}},
                     {"error",
                      {{"cycles_mean", error.cycles_mean},
                       {"cycles_worst", error.cycles_worst},
                       {"energy_mean", error.energy_mean},
                       {"energy_worst", error.energy_worst},
                       {"points", error.points}}}};
  result["simulator"]["measured_shapes"] = costs.measured;
  if (detail == Detail::kLayers) {
    result["simulator"]["changed"] = changed_keys(plan.config);
  }
  return result;
}

}  // namespace etude::run
