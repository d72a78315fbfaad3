// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/energy.h"

#include <cmath>

#include "sim/energy/events.h"

namespace etude {
namespace {
constexpr double kPico = 1e-12;
constexpr double kMicro = 1e-6;

double supply_ratio(const EnergyConfig& table) {
  return table.supply_v > 0 ? table.supply_v / table.voltage_v : 1.0;
}

double macs_of_array(const RedmuleConfig& redmule) {
  return redmule.enabled ? static_cast<double>(redmule.height) * redmule.width : 0;
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
  const ClusterConfig& cluster = platform.cluster;
  const double microwatts =
      table.leakage_cluster.value + table.leakage_core.value * cluster.harts() +
      table.leakage_tcdm_bank.value * cluster.tcdm.banks +
      table.leakage_redmule_fma.value * macs_of_array(cluster.redmule) +
      table.leakage_l2_kib.value * static_cast<double>(platform.l2.size.raw()) / 1024.0;
  return microwatts * kMicro * std::pow(supply_ratio(table), 3);
}

EnergyBill price(const Activity& activity, const PlatformConfig& platform,
                 const EnergyConfig& table) {
  EnergyBill bill;
  const double squared = supply_ratio(table) * supply_ratio(table);
  for (const std::string& component : energy_components()) {
    bill.component[component] = 0;
  }
  double alternative = 0;
  const auto add = [&](const char* component, const char* name, const Coefficient& coefficient,
                       double count, double picojoules) {
    EnergyTerm term{component,
                    name,
                    count,
                    Picojoules{picojoules},
                    count * picojoules * kPico,
                    coefficient.status,
                    coefficient.source};
    bill.component[component] += term.joules;
    bill.total += term.joules;
    bill.terms.push_back(std::move(term));
    return count * picojoules * kPico;
  };
  for (const EventPrice& event : event_prices()) {
    double count = 0;
    if (!event.format || *event.format == platform.cluster.redmule.format) {
      for (const std::string& counter : event.events) {
        count += count_events(activity, counter);
      }
    }
    const Coefficient& coefficient = table.*event.coefficient;
    const double each = coefficient.value * (has_own_supply(event.component) ? 1.0 : squared);
    add(event.component, event.name, coefficient, count, each);
    if (event.coefficient == &EnergyConfig::extmem_byte) {
      alternative = count * (table.extmem_byte_alternative.value - each) * kPico;
    }
  }
  bill.dynamic = bill.total;
  const double cycles = static_cast<double>(activity.cycles.raw());
  bill.background = add("leakage", "static/background_cycle", table.background_cycle, cycles,
                        table.background_cycle.value * squared);
  bill.leakage = add("leakage", "static/leakage", table.leakage_cluster,
                     cycles / platform.cluster.clock_hz, leakage_watts(platform, table) / kPico);
  bill.total_alternative = bill.total + alternative;
  return bill;
}

double area_mm2(const PlatformConfig& platform, const EnergyConfig& table) {
  const ClusterConfig& cluster = platform.cluster;
  const Coefficient& fma = cluster.redmule.format == RedmuleConfig::Format::kFp32
                               ? table.area_redmule_fp32_fma
                               : table.area_redmule_fp16_fma;
  return table.area_other.value + table.area_core.value * cluster.harts() +
         table.area_tcdm_kib.value * static_cast<double>(cluster.tcdm.size.raw()) / 1024.0 +
         fma.value * macs_of_array(cluster.redmule) +
         table.area_l2_kib.value * static_cast<double>(platform.l2.size.raw()) / 1024.0;
}

}  // namespace etude
