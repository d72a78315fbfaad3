// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "sim/energy/energy.h"

using namespace etude;

namespace {
EnergyConfig small_table() {
  EnergyConfig table;
  table.voltage_v = 0.8;
  table.core_instruction.value = 5;
  table.core_stall_cycle.value = 2;
  table.core_sleep_cycle.value = 0.5;
  table.tcdm_access.value = 3;
  table.extmem_byte.value = 100;
  table.extmem_byte_alternative.value = 40;
  table.background_cycle.value = 7;
  table.leakage_cluster.value = 1000;  // uW
  return table;
}

Activity small_activity() {
  Activity activity{Cycle{1000}, {}, {{"load_use", 10}, {"tcdm_conflict", 20}, {"sleep", 300}}};
  activity.counters = {{"core0.alu", 400},         {"core11.alu", 100}, {"controller.alu", 50},
                       {"tcdm.reads", 60},         {"tcdm.writes", 30}, {"tcdm.wasted_reads", 10},
                       {"hyperram.read_bytes", 8}, {"other.alu", 999}};
  return activity;
}
}  // namespace

TEST_CASE("energy is counters times table plus leakage times time", "[energy]") {
  PlatformConfig platform;
  platform.cluster.clock_hz = 1e8;
  const EnergyBill bill = price(small_activity(), platform, small_table());
  // 550 instructions of every hart x 5, 30 awake stall cycles x 2, 300 asleep x 0.5
  CHECK(bill.component.at("cores") == Approx(1e-12 * (550 * 5 + 30 * 2 + 300 * 0.5)));
  CHECK(bill.component.at("tcdm") == Approx(1e-12 * 100 * 3));  // wasted reads are paid too
  CHECK(bill.component.at("extmem") == Approx(1e-12 * 800));
  // 1000 cycles x 7 pJ, and 1 mW for 10 us = 10,000 pJ
  CHECK(bill.background == Approx(7e-9));
  CHECK(bill.leakage == Approx(1e-8));
  CHECK(bill.component.at("leakage") == Approx(1.7e-8));
  double sum = 0;
  for (const std::string& component : energy_components()) {
    sum += bill.component.at(component);
  }
  CHECK(bill.total == Approx(sum));
  CHECK(bill.total == Approx(bill.dynamic + bill.leakage + bill.background));
  CHECK(bill.total_alternative == Approx(bill.total - 1e-12 * 8 * 60));
}

TEST_CASE("another supply scales the chip, not the external memories", "[energy]") {
  PlatformConfig platform;
  EnergyConfig table = small_table();
  const EnergyBill before = price(small_activity(), platform, table);
  table.supply_v = 1.6;  // twice the table's
  const EnergyBill after = price(small_activity(), platform, table);
  CHECK(after.component.at("cores") == Approx(4 * before.component.at("cores")));
  CHECK(after.background == Approx(4 * before.background));
  CHECK(after.leakage == Approx(8 * before.leakage));
  CHECK(after.component.at("extmem") == Approx(before.component.at("extmem")));
}

TEST_CASE("layers carry the dynamic energy: their sum is the step's", "[energy]") {
  StepRecord step;
  step.cycles = Cycle{300};
  step.layer_counters = {{{"core0.alu", 10}, {"tcdm.reads", 4}},
                         {{"core0.alu", 30}, {"tcdm.reads", 6}}};
  step.layer_stalls = {{{"sleep", 100}}, {{"load_use", 50}}};
  step.counters = {{"core0.alu", 40}, {"tcdm.reads", 10}};
  step.units = {{"core0", 40, {{"sleep", 100}, {"load_use", 50}}}, {"redmule", 5, {{"idle", 9}}}};
  const PlatformConfig platform;
  const EnergyConfig table = small_table();
  const double layers = price(activity_of_layer(step, 0, Cycle{100}), platform, table).dynamic +
                        price(activity_of_layer(step, 1, Cycle{200}), platform, table).dynamic;
  CHECK(layers == Approx(price(activity_of(step), platform, table).dynamic));
}

TEST_CASE("area grows with every part that the configuration adds", "[energy]") {
  EnergyConfig table;
  table.area_core.value = 0.02;
  table.area_redmule_fp16_fma.value = 0.002;
  table.area_redmule_fp32_fma.value = 0.006;
  PlatformConfig platform;
  const double fp16 = area_mm2(platform, table);
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  CHECK(area_mm2(platform, table) == Approx(fp16 + 48 * 0.004));
  platform.cluster.redmule.enabled = false;
  CHECK(area_mm2(platform, table) == Approx(9 * 0.02));
}
