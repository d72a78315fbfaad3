// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "sim/config/load.h"
#include "sim/energy/energy.h"
#include "sim/energy/prices.h"
#include "tests/support/shared_data.h"

using namespace etude;

namespace {
EnergyConfig small_table() {
  EnergyConfig table;
  table.voltage_v = 0.8;
  table.core_instruction.value = 5;
  table.core_stall_cycle.value = 2;
  table.core_sleep_cycle.value = 0.5;
  for (Coefficient* access :
       {&table.tcdm_access_2kib, &table.tcdm_access_4kib, &table.tcdm_access_8kib,
        &table.tcdm_access_16kib, &table.tcdm_access_32kib, &table.tcdm_access_64kib}) {
    access->value = 3;
  }
  table.extmem_byte.value = 100;
  table.extmem_byte.low = 40;
  table.extmem_byte.high = 120;
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
  // 8 bytes of 40 to 120 instead of 100 pJ; nothing else has a range
  CHECK(bill.total_low == Approx(bill.total - 1e-12 * 8 * 60));
  CHECK(bill.total_high == Approx(bill.total + 1e-12 * 8 * 20));
}

TEST_CASE("a value outside its range widens it, one without a range is its own", "[energy]") {
  Coefficient coefficient;
  coefficient.value = 7;
  CHECK(coefficient.least() == 7);
  CHECK(coefficient.most() == 7);
  coefficient.low = 5.3;
  coefficient.high = 6.8;
  CHECK(coefficient.least() == 5.3);
  CHECK(coefficient.most() == 7);
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

namespace {
RootConfig shipped() {
  std::vector<std::string> warnings;
  return load_config((test::source_dir() / "configs/deep_ae.json").string(), {}, warnings);
}

/// pJ that one event of this coefficient costs on a platform.
double each(const PlatformConfig& platform, const EnergyConfig& table, const std::string& name) {
  for (const EventPrice& event : event_prices()) {
    if (event.name == name) {
      return price_of(event, platform, table).value;
    }
  }
  FAIL(name);
  return 0;
}
}  // namespace

TEST_CASE("an access of the TCDM costs what a macro of the bank's size does", "[energy]") {
  const EnergyConfig table = shipped().energy;
  const auto access = [&](std::uint64_t kib, unsigned banks) {
    PlatformConfig platform;
    platform.cluster.tcdm.size = Bytes{kib * 1024};
    platform.cluster.tcdm.banks = banks;
    return each(platform, table, "tcdm/access");
  };
  CHECK(access(256, 16) == Approx(1.4));
  CHECK(access(128, 16) == Approx(0.85));
  CHECK(access(256, 64) == Approx(0.5));
  CHECK(access(128, 64) == Approx(0.32));
  CHECK(access(192, 16) == Approx((0.85 + 1.4) / 2));        // 12 KiB, between 8 and 16
  CHECK(access(64, 64) == Approx(0.32 - (0.5 - 0.32) / 2));  // 1 KiB, on the line below 2
  PlatformConfig small;
  small.cluster.tcdm = {64, Bytes{64 * 1024}};
  const Activity reads{Cycle{1}, {{"tcdm.reads", 5}}, {}};
  for (const auto& [platform, status] :
       {std::pair{small, Coefficient::Status::kAssumed},
        std::pair{PlatformConfig{}, Coefficient::Status::kDerived}}) {
    for (const EnergyTerm& term : price(reads, platform, table).terms) {
      CHECK((term.component != "tcdm" || term.status == status));
    }
  }
}

TEST_CASE("a busy cycle of the array follows the bits it stores, its FMA the registers",
          "[energy]") {
  const EnergyConfig table = shipped().energy;
  const auto with = [](unsigned height, unsigned width, unsigned pipe, bool fp32) {
    PlatformConfig platform;
    platform.cluster.redmule.height = height;
    platform.cluster.redmule.width = width;
    platform.cluster.redmule.pipe = pipe;
    platform.cluster.redmule.format =
        fp32 ? RedmuleConfig::Format::kFp32 : RedmuleConfig::Format::kFp16;
    return platform;
  };
  // at 15 pJ for the 12,288 bits of 4x12 P3 FP16: bits = B (2 L + H + 14) + 2 H L b
  CHECK(each(with(4, 12, 3, false), table, "redmule/busy_bit") == Approx(15).epsilon(0.01));
  CHECK(each(with(4, 12, 3, true), table, "redmule/busy_bit") == Approx(30).epsilon(0.01));
  CHECK(each(with(8, 8, 1, true), table, "redmule/busy_bit") ==
        Approx(0.00122 * (512 * 38 + 4'096)));
  CHECK(each(with(8, 8, 3, true), table, "redmule/busy_bit") ==
        Approx(0.00122 * (1'024 * 38 + 4'096)));
  CHECK(each(with(4, 16, 3, true), table, "redmule/busy_bit") ==
        Approx(0.00122 * (512 * 50 + 4'096)));
  CHECK(each(with(4, 12, 3, true), table, "redmule/fp32_fma") == Approx(6.0));
  CHECK(each(with(8, 8, 1, true), table, "redmule/fp32_fma") == Approx(6.0 * (1 - 2 * 0.026)));
  CHECK(each(with(8, 8, 1, false), table, "redmule/fp16_fma") == Approx(2.3 * (1 - 2 * 0.04)));
}

TEST_CASE("leakage follows memory and area: more L1 leaks, more banks of it do not", "[energy]") {
  const EnergyConfig table = shipped().energy;
  const auto watts = [&](std::uint64_t kib, unsigned banks) {
    PlatformConfig platform;
    platform.cluster.tcdm.size = Bytes{kib * 1024};
    platform.cluster.tcdm.banks = banks;
    return leakage_watts(platform, table);
  };
  // 256 KiB more at 0.19 uW each, and nothing else
  CHECK(watts(512, 16) - watts(256, 16) == Approx(256 * 0.19e-6));
  // 64 banks instead of 16: a larger crossbar, 0.05 mm2 more at 2,500 uW
  CHECK(watts(256, 64) - watts(256, 16) == Approx(0.05 * 2.5e-3).epsilon(0.1));
  CHECK(watts(256, 64) < 1.1 * watts(256, 16));
  PlatformConfig fp32;
  fp32.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  // 0.224 instead of 0.097 mm2
  CHECK(leakage_watts(fp32, table) - watts(256, 16) == Approx(0.127 * 2.5e-3).epsilon(0.02));
  PlatformConfig more_l2;
  more_l2.l2.size = Bytes{4 << 20};
  CHECK(leakage_watts(more_l2, table) - watts(256, 16) == Approx(2048 * 0.19e-6));
}
