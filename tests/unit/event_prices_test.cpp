// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "models/base/error.h"
#include "sim/energy/energy.h"
#include "sim/energy/events.h"
#include "sim/platform/platform.h"

using namespace etude;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// Every counter of a platform that is really built, all at zero.
CounterSnapshot counters_of(const PlatformConfig& config) {
  const Platform platform("soc", config);
  CounterSnapshot counters;
  for (const PlatformUnit& unit : platform.units()) {
    unit.visit_counters(
        [&](const Counter& counter) { counters[unit.name + "." + counter.name] = 0; });
  }
  return counters;
}

PlatformConfig with_packed_fp16() {
  PlatformConfig platform;
  platform.cluster.core.isa = "rv32imc_zfinx_zhinx_xfvec_zicsr_zifencei";
  return platform;
}

PlatformConfig without_array() {
  PlatformConfig platform;
  platform.cluster.redmule.enabled = false;
  return platform;
}

PlatformConfig with_idma() {
  PlatformConfig platform;
  platform.cluster.dma.engine = DmaConfig::Engine::kIdma;
  return platform;
}

/// All coefficients of events at 1 pJ.
EnergyConfig one_each() {
  EnergyConfig table;
  table.voltage_v = 0.65;
  for (const EventPrice& price : event_prices()) {
    (table.*price.coefficient).value = 1;
  }
  return table;
}

/// How often each coefficient is paid when this is all that happened.
std::map<std::string, double> paid(const Activity& activity, const PlatformConfig& platform) {
  std::map<std::string, double> counts;
  for (const EnergyTerm& term : price(activity, platform, one_each()).terms) {
    if (term.count != 0 && term.component != "leakage") {
      counts[term.coefficient] += term.count;
    }
  }
  return counts;
}
using Counts = std::map<std::string, double>;

Activity counted(const std::string& counter, std::uint64_t n) {
  return {Cycle{0}, {{counter, n}}, {}};
}

}  // namespace

TEST_CASE("every event that is priced is a counter of the platform", "[event_prices]") {
  for (const PlatformConfig& config :
       {PlatformConfig{}, with_packed_fp16(), without_array(), with_idma()}) {
    const CounterSnapshot counters = counters_of(config);
    for (const std::string& event : counted_events(config)) {
      INFO(event);
      CHECK(std::any_of(counters.begin(), counters.end(),
                        [&](const auto& counter) { return is_event(counter.first, event); }));
    }
    CHECK_NOTHROW(check_events(counters, config));
  }
}

TEST_CASE("on the largest platform no event of any list is left out of the check",
          "[event_prices]") {
  const std::vector<std::string> checked = counted_events(with_packed_fp16());
  std::vector<std::vector<std::string>> lists{l2_l1_read(),  l2_l1_write(),   l3_l2_read(),
                                              l3_l2_write(), redmule_beats(), external_busy()};
  for (const EventPrice& price : event_prices()) {
    lists.push_back(price.events);
  }
  for (const auto& list : lists) {
    CHECK_FALSE(list.empty());
    for (const std::string& event : list) {
      INFO(event);
      CHECK((event.rfind("stall.", 0) == 0 ||
             std::count(checked.begin(), checked.end(), event) == 1));
    }
  }
}

TEST_CASE("an event that was not counted fails, whichever it is", "[event_prices]") {
  const PlatformConfig config = with_packed_fp16();
  const CounterSnapshot all = counters_of(config);
  for (const std::string& event : counted_events(config)) {
    CounterSnapshot less = all;
    std::erase_if(less, [&](const auto& counter) { return is_event(counter.first, event); });
    INFO(event);
    REQUIRE(less.size() < all.size());
    CHECK_THROWS_WITH(check_events(less, config),
                      StartsWith("/counters: " + event + " is priced and was not counted"));
    CHECK_THROWS_AS(check_events(less, config), UserError);
  }
}

TEST_CASE("a counter under a name that no list has does not stand in for another",
          "[event_prices]") {
  CounterSnapshot counters = counters_of({});
  counters.erase("l2.read_bytes");
  counters["l2.bytes_read"] = 5;
  counters["dma.read_bytes"] = 5;
  CHECK_THROWS_WITH(check_events(counters, {}), Contains("l2.read_bytes"));
  counters["l2.read_bytes"] = 0;
  CHECK_NOTHROW(check_events(counters, {}));
  counters["no_dot"] = 1;  // no counter's name at all
  CHECK_NOTHROW(check_events(counters, {}));
}

TEST_CASE("what a platform lacks is not asked for", "[event_prices]") {
  const auto has = [](const PlatformConfig& config, const std::string& start) {
    const auto events = counted_events(config);
    return std::any_of(events.begin(), events.end(),
                       [&](const std::string& event) { return event.rfind(start, 0) == 0; });
  };
  CHECK(has({}, "redmule."));
  CHECK_FALSE(has(without_array(), "redmule."));
  CHECK(has(with_packed_fp16(), "core.fp16_"));
  CHECK(has(with_packed_fp16(), "core.fp_packed"));
  CHECK_FALSE(has({}, "core.fp16_"));
  CHECK_FALSE(has({}, "core.fp_packed"));
  CHECK_FALSE(has(with_packed_fp16(), "stall."));
  // One counter of one hart is enough: all harts have the same.
  CHECK_THROWS_AS(check_events(counters_of(without_array()), {}), UserError);
  CHECK_THROWS_AS(check_events(counters_of({}), with_packed_fp16()), UserError);
}

TEST_CASE("an event is a counter of its class: every hart is a core", "[event_prices]") {
  CHECK(is_event("core0.alu", "core.alu"));
  CHECK(is_event("core15.alu", "core.alu"));
  CHECK(is_event("controller.alu", "core.alu"));
  CHECK_FALSE(is_event("core0.mul", "core.alu"));
  CHECK_FALSE(is_event("corex.alu", "core.alu"));
  CHECK_FALSE(is_event("core0.alu2", "core.alu"));
  CHECK_FALSE(is_event("tcdm.alu", "core.alu"));
  CHECK(is_event("soc_dma.busy", "soc_dma.busy"));
  CHECK_FALSE(is_event("dma.busy", "soc_dma.busy"));
  CHECK_FALSE(is_event("busy", "dma.busy"));
  CHECK_FALSE(is_event("dma.busy", "busy"));
  const Activity activity{
      Cycle{0}, {{"core0.alu", 3}, {"core1.alu", 4}, {"controller.alu", 5}, {"dma.alu", 60}}, {}};
  CHECK(count_events(activity, "core.alu") == 12);  // 3 + 4 + 5
}

TEST_CASE("each counter is paid by its coefficients and no other", "[event_prices]") {
  const PlatformConfig fp16 = with_packed_fp16();  // the array's format is FP16
  const std::vector<std::pair<std::string, Counts>> expected{
      {"core0.alu", {{"cores/instruction", 7}}},
      {"core3.loads", {{"cores/instruction", 7}}},
      {"controller.system", {{"cores/instruction", 7}}},
      {"core0.fp_addmul", {{"cores/instruction", 7}, {"cores/fp32_fma", 7}}},
      {"core0.fp_other", {{"cores/instruction", 7}, {"cores/fp32_other", 7}}},
      {"core0.fp_divsqrt", {{"cores/instruction", 7}, {"cores/fp32_other", 7}}},
      {"core0.fp_packed", {{"cores/instruction", 7}}},
      {"core0.fp16_elements", {{"cores/fp16_fma", 7}}},
      {"core0.fp16_other", {{"cores/fp16_other", 7}}},
      {"core0.traps", {}},
      {"icache.shared_hits", {{"cores/icache_refill", 7}}},
      {"icache.refills", {{"cores/icache_refill", 7}}},
      {"icache.private_misses", {}},
      {"tcdm.reads", {{"tcdm/access", 7}}},
      {"tcdm.writes", {{"tcdm/access", 7}}},
      {"tcdm.wasted_reads", {{"tcdm/access", 7}}},
      {"tcdm.partial_writes", {}},  // also in writes
      {"redmule.fma_useful", {{"redmule/fp16_fma", 7}}},
      {"redmule.fma_padded", {{"redmule/fp16_fma", 7}}},
      {"redmule.active", {{"redmule/busy_bit", 7}}},
      {"redmule.busy", {}},  // part of active
      {"dma.bytes_in", {{"dma/byte", 7}}},
      {"dma.bytes_out", {{"dma/byte", 7}}},
      {"dma.busy", {{"dma/busy_cycle", 7}}},
      {"soc_dma.ext_to_l2_bytes", {{"dma/soc_byte", 7}}},
      {"soc_dma.l2_to_ext_bytes", {{"dma/soc_byte", 7}}},
      {"soc_dma.l2_to_l2_bytes", {{"dma/soc_byte", 7}}},
      {"soc_dma.ext_to_ext_bytes", {{"dma/soc_byte", 7}}},
      {"soc_dma.busy", {}},
      {"l2.read_bytes", {{"l2/byte", 7}}},
      {"l2.write_bytes", {{"l2/byte", 7}}},
      {"l2.reads", {}},
      {"hyperram.read_bytes", {{"extmem/byte", 7}}},
      {"hyperram.write_bytes", {{"extmem/byte", 7}}},
      {"hyperram.busy", {}},
      {"flash.read_bytes", {{"flash/read_byte", 7}}},
      {"flash.pages", {{"flash/program_page", 7}}},
      {"flash.sectors", {{"flash/erase_sector", 7}}},
      {"flash.program_bytes", {}},  // by the page
  };
  const CounterSnapshot there = counters_of(fp16);
  for (const auto& [counter, coefficients] : expected) {
    INFO(counter);
    CHECK(there.count(counter) == 1);
    CHECK(paid(counted(counter, 7), fp16) == coefficients);
  }
}

TEST_CASE("the array's products are paid by its format", "[event_prices]") {
  PlatformConfig fp32;
  fp32.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  CHECK(paid(counted("redmule.fma_useful", 3), fp32) == Counts{{"redmule/fp32_fma", 3}});
  CHECK(paid(counted("redmule.fma_useful", 3), {}) == Counts{{"redmule/fp16_fma", 3}});
}

TEST_CASE("harts that sleep or wait for an event are asleep, all other stalls are awake",
          "[event_prices]") {
  const Activity activity{
      Cycle{0}, {}, {{"sleep", 100}, {"event_wait", 20}, {"load_use", 3}, {"icache_miss", 4}}};
  CHECK(paid(activity, {}) ==
        Counts{{"cores/sleep_cycle", 100 + 20}, {"cores/stall_cycle", 3 + 4}});
}

TEST_CASE("names of coefficients are their component's and unlike each other", "[event_prices]") {
  std::set<std::string> names;
  for (const EventPrice& price : event_prices()) {
    INFO(price.name);
    CHECK(names.insert(price.name).second);
    const auto& components = energy_components();
    CHECK(std::count(components.begin(), components.end(), price.component) == 1);
    CHECK_FALSE(price.events.empty());
  }
}

TEST_CASE("traffic between memories, in bytes", "[event_prices]") {
  const auto sum = [](const std::vector<std::string>& events) {
    const Activity activity{Cycle{0},
                            {{"dma.bytes_in", 1},
                             {"dma.bytes_out", 20},
                             {"hyperram.read_bytes", 300},
                             {"flash.read_bytes", 4'000},
                             {"hyperram.write_bytes", 50'000},
                             {"flash.program_bytes", 600'000},
                             {"l2.read_bytes", 7'000'000}},
                            {}};
    double total = 0;
    for (const std::string& event : events) {
      total += count_events(activity, event);
    }
    return total;
  };
  CHECK(sum(l2_l1_read()) == 1);
  CHECK(sum(l2_l1_write()) == 20);
  CHECK(sum(l3_l2_read()) == 4'300);
  CHECK(sum(l3_l2_write()) == 650'000);
}
