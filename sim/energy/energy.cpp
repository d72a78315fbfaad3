// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/energy.h"

#include <cmath>

#include "sim/energy/area.h"
#include "sim/energy/events.h"
#include "sim/energy/prices.h"

namespace etude {
namespace {
constexpr double kPico = 1e-12;
constexpr double kMicro = 1e-6;

double supply_ratio(const EnergyConfig& table) {
  return table.supply_v > 0 ? table.supply_v / table.voltage_v : 1.0;
}

/// A coefficient of leakage and how many of its units the platform has.
struct Leak {
  const char* name;
  const Coefficient* coefficient;
  double units;
};

std::vector<Leak> leaks(const PlatformConfig& platform, const EnergyConfig& table) {
  const ClusterConfig& cluster = platform.cluster;
  const AreaBill area = area_of(platform, table);
  const double bytes = static_cast<double>(cluster.tcdm.size.raw() + platform.l2.size.raw());
  return {{"static/cluster", &table.leakage_cluster, 1},
          {"static/core", &table.leakage_core, static_cast<double>(cluster.harts())},
          {"static/sram_kib", &table.leakage_sram_kib, bytes / 1024},
          {"static/logic_mm2", &table.leakage_logic_mm2,
           area.part.at("redmule") + area.part.at("interconnect")}};
}

double leakage_scale(const EnergyConfig& table) {
  return kMicro * std::pow(supply_ratio(table), 3);
}

bool has_own_supply(const std::string& component) {
  return component == "extmem" || component == "flash";
}

/// "core12" and "controller" are cores; other names stand for themselves.
std::string class_of(const std::string& component) {
  const bool core = component == "controller" ||
                    (component.rfind("core", 0) == 0 &&
                     component.find_first_not_of("0123456789", 4) == std::string::npos);
  return core ? "core" : component;
}
}  // namespace

const std::vector<std::string>& energy_components() {
  static const std::vector<std::string> names{"cores", "tcdm",   "redmule", "dma",
                                              "l2",    "extmem", "flash",   "leakage"};
  return names;
}

Activity activity_of(const StepRecord& step) {
  Activity activity{step.cycles, step.counters, {}};
  for (const UnitRecord& unit : step.units) {
    if (class_of(unit.name) == "core") {
      for (const auto& [reason, cycles] : unit.stalls) {
        activity.core_stalls[reason] += cycles;
      }
    }
  }
  return activity;
}

Activity activity_of_layer(const StepRecord& step, std::size_t layer, Cycle cycles) {
  return {cycles, step.layer_counters.at(layer), step.layer_stalls.at(layer)};
}

bool is_event(const std::string& counter, const std::string& event) {
  const std::size_t split = counter.find('.');
  const std::size_t dot = event.find('.');
  return split != std::string::npos && dot != std::string::npos &&
         counter.compare(split, std::string::npos, event, dot) == 0 &&
         class_of(counter.substr(0, split)) == event.substr(0, dot);
}

double count_events(const Activity& activity, const std::string& event) {
  if (event.rfind("stall.", 0) == 0) {
    double cycles = 0;
    for (const auto& [reason, count] : activity.core_stalls) {
      const bool asleep =
          reason == "sleep" || reason == "event_wait";  // both stop the core's clock
      if (asleep == (event == "stall.sleep")) {
        cycles += static_cast<double>(count);
      }
    }
    return cycles;
  }
  double sum = 0;
  for (const auto& [counter, count] : activity.counters) {
    if (is_event(counter, event)) {
      sum += static_cast<double>(count);
    }
  }
  return sum;
}

double leakage_watts(const PlatformConfig& platform, const EnergyConfig& table) {
  double microwatts = 0;
  for (const Leak& leak : leaks(platform, table)) {
    microwatts += leak.coefficient->value * leak.units;
  }
  return microwatts * leakage_scale(table);
}

EnergyBill price(const Activity& activity, const PlatformConfig& platform,
                 const EnergyConfig& table) {
  EnergyBill bill;
  const double squared = supply_ratio(table) * supply_ratio(table);
  for (const std::string& component : energy_components()) {
    bill.component[component] = 0;
  }
  const auto add = [&](const char* component, const char* name, const Coefficient& coefficient,
                       double count, double scale) {
    const double unit = count * scale * kPico;
    EnergyTerm term{component,
                    name,
                    count,
                    Picojoules{coefficient.value * scale},
                    unit * coefficient.value,
                    unit * coefficient.least(),
                    unit * coefficient.most(),
                    coefficient.status,
                    coefficient.source};
    bill.component[component] += term.joules;
    bill.total += term.joules;
    bill.total_low += term.joules_low;
    bill.total_high += term.joules_high;
    const double joules = term.joules;
    bill.terms.push_back(std::move(term));
    return joules;
  };
  for (const EventPrice& event : event_prices()) {
    double count = 0;
    if (!event.format || *event.format == platform.cluster.redmule.format) {
      for (const std::string& counter : event.events) {
        count += count_events(activity, counter);
      }
    }
    add(event.component, event.name, price_of(event, platform, table), count,
        has_own_supply(event.component) ? 1.0 : squared);
  }
  bill.dynamic = bill.total;
  const double cycles = static_cast<double>(activity.cycles.raw());
  bill.background =
      add("leakage", "static/background_cycle", table.background_cycle, cycles, squared);
  const double seconds = cycles / platform.cluster.clock_hz;
  for (const Leak& leak : leaks(platform, table)) {
    bill.leakage += add("leakage", leak.name, *leak.coefficient, seconds,
                        leak.units * leakage_scale(table) / kPico);
  }
  return bill;
}

}  // namespace etude
