// SPDX-License-Identifier: Apache-2.0
// The event unit against its RTL: every access of reference/sync_rtl.csv. The file gives what went
// over the ports; the data of stores and the event lines of each scenario are known from its name
// and from what the waiting cores read.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit.h"
#include "models/event_unit/event_unit_regs.h"
#include "tests/support/shared_data.h"
#include "tests/support/validation.h"

using etude::Cycle;
using etude::EventUnit;

namespace {

struct Row {
  unsigned core;
  unsigned op;
  bool write;
  std::uint32_t offset;
  std::uint64_t req, gnt, rvalid, gated;
  std::uint32_t rdata;
  std::uint32_t wdata{0};
};

struct Pulse {
  unsigned line;
  std::uint32_t cores;
  std::uint64_t cycle;
};

bool starts(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

std::uint32_t wait_mask(const std::string& scenario) {
  if (starts(scenario, "sw_")) {
    return 1u << 3;
  }
  if (starts(scenario, "acc_")) {
    return 1u << 12;
  }
  if (starts(scenario, "dma_")) {
    return 1u << 8;
  }
  if (starts(scenario, "mutex_")) {
    return 1u << 17;
  }
  if (starts(scenario, "disp_")) {
    return 1u << 18;
  }
  return 1u << 16;
}

std::uint32_t store_data(const std::string& scenario, const Row& row, unsigned cores,
                         unsigned earlier_stores) {
  switch (row.offset) {
    case ETUDE_EU_MASK:
      return wait_mask(scenario);
    case ETUDE_EU_MASK_OR:
      return scenario == "bar_pending_event" ? 1u << 12 : 0u;
    case ETUDE_EU_BUFFER_CLEAR:
      return 1u << 16;
    case ETUDE_EU_DISPATCH:
      return earlier_stores == 0 ? 0xabcu : 0xdefu;
    case ETUDE_EU_DISPATCH_TEAM:
    case ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TRIGGER_MASK:
    case ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TARGET_MASK:
      return (1u << cores) - 1;
    case ETUDE_EU_MUTEX:
      return row.core;
    case ETUDE_EU_BARRIER + ETUDE_EU_BARRIER_TRIGGER:
      return 1u << row.core;
    default:
      return 0;
  }
}

std::vector<Pulse> event_lines(const std::string& scenario) {
  // "_dN": the pulse comes N cycles after the wait, which is asked for in cycle 100.
  const std::map<std::string, Pulse> known = {
      {"dma_wake", {8, 0xFF, 107}},      {"dma_wake_d-2", {8, 0xFF, 98}},
      {"dma_wake_d-1", {8, 0xFF, 99}},   {"dma_wake_d0", {8, 0xFF, 100}},
      {"dma_wake_d1", {8, 0xFF, 101}},   {"acc_wake_d-2", {12, 1, 98}},
      {"acc_wake_d1", {12, 1, 101}},     {"acc_wake_d2", {12, 1, 102}},
      {"bar_pending_event", {12, 1, 50}}};
  if (const auto found = known.find(scenario); found != known.end()) {
    return {found->second};
  }
  if (scenario == "acc_race_after_gnt2") {
    return {{12, 1, 50}, {12, 1, 102}};
  }
  if (scenario == "acc_race_after_gnt3") {
    return {{12, 1, 50}, {12, 1, 103}};
  }
  if (scenario == "acc_race_unmasked_after_gnt3") {
    return {{12, 1, 50}, {13, 1, 103}};
  }
  return {};
}

/// Replays one scenario; `jump` leaves out the cycles that the model says are still.
unsigned replay(const std::string& scenario, std::vector<Row> rows, bool jump, unsigned id) {
  etude::EventUnitConfig config;
  config.busy = Cycle{3};  // the bench lowers core_busy three cycles after a wait's request
  EventUnit unit(("eu" + std::to_string(id)).c_str(), config);
  const unsigned cores = scenario == "bar_all_n2" ? 2 : 8;
  std::map<unsigned, std::deque<Row>> ports;
  std::map<std::uint32_t, unsigned> stores;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.op < b.op; });
  for (Row& row : rows) {
    if (row.write) {
      row.wdata = store_data(scenario, row, cores, stores[row.offset]++);
    }
    ports[row.core].push_back(row);
  }
  for (const Pulse& pulse : event_lines(scenario)) {
    unit.set_event(pulse.line, pulse.cores, Cycle{pulse.cycle});
  }
  unsigned equal = 0;
  for (std::uint64_t now = 0; now < 1000; ++now) {
    for (auto& [core, queue] : ports) {
      if (!queue.empty() && queue.front().req == now && !unit.waiting(core)) {
        const Row& row = queue.front();
        unit.request(core, row.offset, row.write, row.wdata, Cycle{now});
      }
    }
    if (jump && unit.next_activity() != Cycle{now}) {
      continue;
    }
    const std::uint32_t granted = unit.step(Cycle{now});
    for (auto& [core, queue] : ports) {
      if ((granted >> core & 1u) == 0) {
        continue;
      }
      const Row& row = queue.front();
      INFO(scenario << " core " << core << " op " << row.op << " offset " << std::hex
                    << row.offset);
      CHECK(now == row.gnt);
      CHECK(now + 1 == row.rvalid);
      CHECK(unit.rdata(core) == row.rdata);
      CHECK(unit.last_gated_cycles(core).raw() == row.gated);
      equal += now == row.gnt && now + 1 == row.rvalid && unit.rdata(core) == row.rdata &&
               unit.last_gated_cycles(core).raw() == row.gated;
      queue.pop_front();
    }
  }
  CHECK(unit.next_activity() == etude::kNever);
  return equal;
}

}  // namespace

TEST_CASE("event unit: every access of the RTL's record", "[event_unit]") {
  const auto file = etude::test::shared_file("reference/sync_rtl.csv");
  std::map<std::string, std::vector<Row>> scenarios;
  std::size_t rows = 0;
  for (auto& line : etude::test::read_csv(file)) {
    scenarios[line["scenario"]].push_back(
        {static_cast<unsigned>(std::stoul(line["port"])),
         static_cast<unsigned>(std::stoul(line["op"])), line["rw"] == "W",
         static_cast<std::uint32_t>(std::stoul(line["addr"], nullptr, 16)),
         std::stoull(line["req"]), std::stoull(line["gnt"]), std::stoull(line["rvalid"]),
         std::stoull(line["clk_low_cycles"]),
         static_cast<std::uint32_t>(std::stoul(line["rdata"], nullptr, 16))});
    ++rows;
  }
  REQUIRE(rows >= 754);
  unsigned id = 0;
  etude::test::ValidationPoints points("event_unit", {"scenario"});
  for (const bool jump : {false, true}) {
    std::size_t equal = 0;
    for (const auto& [scenario, list] : scenarios) {
      const unsigned same = replay(scenario, list, jump, id++);
      if (jump) {
        points.add({scenario}, scenario, static_cast<double>(list.size()), same);
      }
      equal += same;
    }
    CHECK(equal == rows);
  }
}
