// SPDX-License-Identifier: Apache-2.0
#include "sim/report/assumptions.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

constexpr double kNotable = 0.05;
constexpr unsigned kPublishedPipe = 3;  // registers of the array whose clock is published

bool is_hart(const std::string& unit) { return unit.rfind("core", 0) == 0 || unit == "controller"; }

/// Cycles that the most affected hart waited for these reasons, each with its weight.
double worst_hart(const Json& result,
                  std::initializer_list<std::pair<const char*, double>> reasons) {
  double worst = 0;
  for (const auto& unit : result.at("units").items()) {
    double cycles = 0;
    for (const auto& [reason, weight] : reasons) {
      cycles += weight * unit.value().at("stalls").value(reason, 0.0);
    }
    worst = is_hart(unit.key()) ? std::max(worst, cycles) : worst;
  }
  return worst;
}

/// Cycles in which a unit works or waits for something other than work.
double active(const Json& result, const char* unit) {
  if (!result.at("units").contains(unit)) {
    return 0;
  }
  const Json& record = result.at("units").at(unit);
  double cycles = record.at("busy").get<double>();
  for (const auto& stall : record.at("stalls").items()) {
    cycles += stall.key() == "idle" ? 0 : stall.value().get<double>();
  }
  return cycles;
}

double stall(const Json& result, const char* unit, const char* reason) {
  const Json& units = result.at("units");
  return units.contains(unit) ? units.at(unit).at("stalls").value(reason, 0.0) : 0;
}

struct Timing {
  const char* name;
  double cycles;
  const char* text;
  const char* vary;
};

std::vector<Timing> timing_assumptions(const Json& result, const PlatformConfig& platform) {
  const RedmuleConfig& array = platform.cluster.redmule;
  const bool fp32 = array.enabled && array.format == RedmuleConfig::Format::kFp32;
  const bool clock_unknown = array.enabled && (fp32 || array.pipe < kPublishedPipe);
  const Json& counters = result.at("counters");
  return {
      {"fp32_array", fp32 ? active(result, "redmule") : 0,
       "an FP32 array has the FP16 array's dataflow with 4-byte elements; no RTL of it exists",
       "/platform/cluster/redmule"},
      {"array_clock", clock_unknown ? active(result, "redmule") : 0,
       "that the array reaches the cluster's clock: a source has FP16 with three pipeline "
       "registers "
       "at 470 MHz and 0.65 V only; at equal registers FP32 is 1.6 to 1.8 times slower",
       "/platform/cluster/clock_hz"},
      {"fpu_latency", worst_hart(result, {{"fp_dependency", 1}, {"fp_structural", 1}}),
       "latency of the cores' FPUs: taken from the configuration, not from a chip",
       "/platform/cluster/fpu"},
      {"peripheral_path", worst_hart(result, {{"peripheral", 1}}),
       "the way from a core to a unit's registers is as long for every unit",
       "/platform/cluster/peripheral_latency"},
      {"axi_latency", stall(result, "dma", "l2_wait"),
       "latency between the cluster's port and L2: one number, no RTL of the way was measured",
       "/platform/l2"},
      {"l2_latency", worst_hart(result, {{"l2_access", 1}, {"icache_miss", 0.5}}),
       "latency of a core's word from L2: 20 cycles by default, assumed; GVSoC's siracusa has 15",
       "/platform/l2"},
      {"hyperram_timing", counters.at("hyperram.busy").get<double>(),
       "access time and bandwidth of the HyperRAM from its data sheet; no refresh collisions",
       "/platform/hyperram"},
      {"flash_timing", counters.at("flash.busy").get<double>(),
       "typical times of one octal NOR flash (IS25WX256); its maxima are 5 to 12 times as long",
       "/platform/flash"},
  };
}

/// Calls `add` with each assumed coefficient of a bill and its share of the bill's total.
template <class Add>
void add_assumed_terms(const Json& terms, const char* amount, const char* total, const Add& add) {
  struct Assumed {
    std::string name, source;
    double amount;
  };
  double sum = 0;
  std::vector<Assumed> assumed;  // a coefficient may stand in several terms
  for (const Json& term : terms) {
    const double part = term.at(amount).get<double>();
    const std::string name = term.at("coefficient");
    sum += part;
    if (term.at("status") == "assumed") {
      const auto known = std::find_if(assumed.begin(), assumed.end(),
                                      [&](const Assumed& each) { return each.name == name; });
      if (known == assumed.end()) {
        assumed.push_back({name, term.at("source"), part});
      } else {
        known->amount += part;
      }
    }
  }
  for (const Assumed& each : assumed) {
    const bool all_sizes = each.name == "tcdm/access";  // of a bank beyond the table's
    add(each.name, total, sum > 0 ? each.amount / sum : 0, each.source,
        all_sizes ? "/energy/tcdm" : "/energy/" + each.name + "/value");
  }
}
}  // namespace

Json assumptions_of(const Json& result, const PlatformConfig& platform) {
  Json found = Json::array();
  const auto add = [&found](const std::string& name, const char* total, double share,
                            const std::string& text, const std::string& vary) {
    if (share > 0) {
      found.push_back({{"name", name},
                       {"total", total},
                       {"share", share},
                       {"notable", share > kNotable},
                       {"text", text},
                       {"vary", vary}});
    }
  };
  add_assumed_terms(result.at("energy_bill").at("terms"), "energy_j", "energy_j", add);
  add_assumed_terms(result.at("area_bill").at("terms"), "mm2", "area_mm2", add);
  const double cycles = result.at("step").at("cycles").get<double>();
  for (const Timing& timing : timing_assumptions(result, platform)) {
    add(timing.name, "cycles", cycles > 0 ? std::min(1.0, timing.cycles / cycles) : 0, timing.text,
        timing.vary);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Json& a, const Json& b) { return a.at("share") > b.at("share"); });
  return found;
}

}  // namespace etude
