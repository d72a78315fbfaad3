// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "models/base/pulp_map_regs.h"
#include "models/icache/icache_regs.h"
#include "sim/config/load.h"
#include "sim/platform/platform.h"
#include "tests/support/shared_data.h"

using namespace etude;

namespace {

std::vector<std::string> names_of(const Platform& platform) {
  std::vector<std::string> names;
  for (const PlatformUnit& unit : platform.units()) {
    names.push_back(unit.name);
  }
  return names;
}

std::map<std::string, CounterRole> roles_of(const Platform& platform) {
  std::map<std::string, CounterRole> roles;
  for (const PlatformUnit& unit : platform.units()) {
    unit.visit_counters([&](const Counter& counter) {
      INFO(unit.name << "." << counter.name);
      CHECK(roles.emplace(unit.name + "." + counter.name, counter.role).second);
    });
  }
  return roles;
}

std::vector<std::string> with_role(const std::map<std::string, CounterRole>& roles,
                                   CounterRole role) {
  std::vector<std::string> names;
  for (const auto& [name, its] : roles) {
    if (its == role) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace

TEST_CASE("the list of units is the platform's, each once", "[platform_units]") {
  PlatformConfig config;
  config.cluster.cores = 2;
  using Names = std::vector<std::string>;
  const Platform whole("soc", config);
  CHECK(names_of(whole) == Names{"core0", "core1", "controller", "tcdm", "hci", "event_unit",
                                 "timer", "redmule", "icache", "dma", "soc_dma", "l2", "hyperram",
                                 "flash"});
  config.cluster.redmule.enabled = false;
  config.cluster.controller = false;
  const Platform less("less", config);
  CHECK(names_of(less) == Names{"core0", "core1", "tcdm", "hci", "event_unit", "timer", "icache",
                                "dma", "soc_dma", "l2", "hyperram", "flash"});
  const Platform htif("htif", load_platform("platform/htif_single.json", {}));
  CHECK(names_of(htif) == Names{"core0", "clint"});
  const Platform bench("bench", load_platform("platform/core_bench.json", {}));
  CHECK(names_of(bench) == Names{"core0"});
}

TEST_CASE("roles: who is a unit of the account, and why it stalls", "[platform_units]") {
  using Names = std::vector<std::string>;
  const Platform platform("soc", PlatformConfig{});
  const auto roles = roles_of(platform);
  CHECK(with_role(roles, CounterRole::kBusy) == Names{"dma.busy", "redmule.busy", "soc_dma.busy"});
  CHECK(with_role(roles, CounterRole::kStall) ==
        Names{"dma.l2_wait", "dma.queue", "dma.tcdm_conflict", "redmule.drain",
              "redmule.port_conflict", "redmule.tiler", "redmule.w_wait", "redmule.x_wait",
              "redmule.yz_wait"});
}

TEST_CASE("no counter repeats the name of its unit, and old names map to counters that are there",
          "[platform_units]") {
  const Platform platform("soc", PlatformConfig{});
  const auto roles = roles_of(platform);
  for (const auto& [name, role] : roles) {
    const std::size_t dot = name.find('.');
    INFO(name);
    CHECK(name.compare(dot + 1, dot + 1, name.substr(0, dot) + "_") != 0);
  }
  std::ifstream file(test::source_dir() / "scripts/renamed_counters.json");
  const auto renamed = nlohmann::json::parse(file);
  CHECK(renamed.size() == 6 + 7 + 8 + 5 + 7 + 5);  // SoC DMA, events, flash, icache, L2, HyperRAM
  std::set<std::string> targets;
  for (const auto& [before, after] : renamed.items()) {
    INFO(before);
    CHECK(roles.count(before) == 0);
    CHECK(roles.count(after.get<std::string>()) == 1);
    CHECK(targets.insert(after.get<std::string>()).second);
  }
}

TEST_CASE("a unit that has nothing to do is not due; a timer that is set is", "[platform_units]") {
  PlatformConfig config;
  config.cluster.redmule.enabled = false;
  Platform platform("soc", config);
  for (unsigned u = 0; u < Platform::kUnits; ++u) {
    INFO(u);
    CHECK(platform.next_activity(static_cast<Platform::Unit>(u), 5) == kNever.raw());
  }
  // Counts from the cycle after the write of its configuration, 10: cycle 11 + 50.
  platform.timer().write(ETUDE_TIMER_CMP_LO, 50, Cycle{10});
  platform.timer().write(ETUDE_TIMER_CFG_LO, 1u | 4u, Cycle{10});
  CHECK(platform.next_activity(Platform::kTimer, 11) ==
        platform.timer().next_activity(Cycle{11}).raw());
  CHECK(platform.next_activity(Platform::kTimer, 11) == 61);
  CHECK(platform.next_activity(Platform::kDma, 11) == kNever.raw());
  // The interruptor takes the timer's place on the other map: mtime is the cycle.
  Platform htif("htif", load_platform("platform/htif_single.json", {}));
  htif.clint().write(0x4000, 100, Cycle{1});
  htif.clint().write(0x4004, 0, Cycle{1});
  CHECK(htif.next_activity(Platform::kTimer, 100) == 100);  // from `now` on
  CHECK(htif.next_activity(Platform::kTimer, 101) == kNever.raw());
}

TEST_CASE("warnings come through the list, each once", "[platform_units]") {
  Platform platform("soc", PlatformConfig{});
  const auto take = [&] {
    std::vector<std::string> texts;
    for (const PlatformUnit& unit : platform.units()) {
      for (const std::string& text : unit.take_warnings()) {
        texts.push_back(unit.name + "|" + text);
      }
    }
    return texts;
  };
  CHECK(take().empty());
  platform.icache().write_register(ETUDE_ICACHE_PREFETCH, 0xFF, Cycle{0});
  const auto texts = take();
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].rfind("icache|", 0) == 0);
  CHECK(take().empty());
}
