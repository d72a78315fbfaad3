// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_run.h"

#include "sim/config/load.h"
#include "sim/energy/events.h"
#include "tests/support/shared_data.h"

namespace etude::test {

RootConfig fake_config() {
  std::vector<std::string> warnings;
  return load_config((source_dir() / "configs/deep_ae.json").string(),
                     {"/workload/inputs=", "/train/steps=2"}, warnings);
}

RunFacts fake_facts() {
  RunFacts facts;
  facts.title = "deep_ae, full, batch 24, fp32, sgd";
  facts.layers = {{"fc0", "Gemm", "forward", "redmule", 1'966'080},
                  {"fc0.relu", "Relu", "forward", "cores", 0},
                  {"loss", "MseLoss", "forward", "cores", 0},
                  {"fc0.dw", "Gemm", "backward", "redmule", 1'966'080},
                  {"fc0.w.update", "Sgd", "update", "cores", 0},
                  {"fc0.w.page", "Page", "page", "dma", 0}};
  facts.op_layer = {5, 0, 1, 2, 3, 4, 5};
  facts.memory = {Bytes{200'000},   Bytes{900'000},   Bytes{120'000},   Bytes{},
                  Bytes{},          Bytes{},          Bytes{1'300'000}, Bytes{1'063'456},
                  Bytes{1'063'456}, Bytes{1'063'456}, Bytes{262'144},   Bytes{1'325'600}};
  facts.macs = 3'932'160;
  facts.samples = 24;
  facts.warnings = {"ignored, because not selected: /train/rank (/train/method is full)"};
  return facts;
}

RunRecord fake_record() {
  StepRecord step;
  step.cycles = Cycle{100'000};
  for (unsigned i = 0; i < 8; ++i) {
    step.units.push_back(
        {"core" + std::to_string(i),
         20'000 + 100 * i,
         {{"load_use", 2'000}, {"tcdm_conflict", 3'000}, {"event_wait", 75'000 - 100 * i}}});
  }
  step.units.push_back({"controller", 10'000, {{"peripheral", 5'000}, {"event_wait", 85'000}}});
  step.units.push_back({"redmule", 60'000, {{"port_conflict", 5'000}, {"idle", 35'000}}});
  step.units.push_back({"dma", 40'000, {{"l2_wait", 10'000}, {"idle", 50'000}}});
  step.units.push_back({"soc_dma", 90'000, {{"idle", 10'000}}});
  for (unsigned i = 0; i < 8; ++i) {
    step.counters["core" + std::to_string(i) + ".alu"] = 20'000 + 100 * i;
    step.counters["core" + std::to_string(i) + ".fp_addmul"] = 8'000;
  }
  step.counters["controller.alu"] = 10'000;
  for (const std::string& event : counted_events(fake_config().platform)) {
    step.counters[event.rfind("core.", 0) == 0 ? "controller." + event.substr(5) : event] += 0;
  }
  step.counters["tcdm.reads"] = 300'000;
  step.counters["tcdm.writes"] = 60'000;
  step.counters["tcdm.wasted_reads"] = 2'000;
  step.counters["redmule.fma_useful"] = 3'932'160;
  step.counters["redmule.active"] = 65'000;
  step.counters["redmule.busy"] = 60'000;
  step.counters["redmule.port_conflict"] = 5'000;
  step.counters["redmule.x_beats"] = 20'000;
  step.counters["redmule.w_beats"] = 25'000;
  step.counters["redmule.z_beats"] = 5'000;
  step.counters["dma.bytes_in"] = 200'000;
  step.counters["dma.bytes_out"] = 80'000;
  step.counters["dma.busy"] = 40'000;
  step.counters["dma.l2_wait"] = 10'000;
  step.counters["soc_dma.busy"] = 90'000;
  step.counters["l2.read_bytes"] = 220'000;
  step.counters["l2.write_bytes"] = 180'000;
  step.counters["soc_dma.ext_to_l2_bytes"] = 100'000;
  step.counters["hyperram.read_bytes"] = 60'000;
  step.counters["hyperram.write_bytes"] = 40'000;
  const std::uint64_t borders[] = {0, 20'000, 50'000, 55'000, 60'000, 90'000, 95'000, 100'000};
  for (std::uint32_t op = 0; op < 7; ++op) {
    step.segments.push_back({op, Cycle{borders[op]}, Cycle{borders[op + 1]}});
  }
  // Every layer but the last gets a seventh of each counter; the last what remains.
  CounterSnapshot rest = step.counters;
  for (unsigned layer = 0; layer < 5; ++layer) {
    CounterSnapshot& share = step.layer_counters.emplace_back();
    for (const auto& [name, count] : step.counters) {
      share[name] = count / 7;
      rest[name] -= count / 7;
    }
    step.layer_stalls.push_back(
        {{"load_use", 2'000}, {"tcdm_conflict", 3'000 + layer}, {"event_wait", 50'000}});
  }
  step.layer_counters.push_back(rest);
  step.layer_stalls.push_back({{"load_use", 6'000},
                               {"tcdm_conflict", 24'000 - 15'010},
                               {"peripheral", 5'000},
                               {"event_wait", 682'200 - 250'000}});

  RunRecord record;
  record.cycles = Cycle{230'000};
  record.steps = {step, step};
  record.steps[0].cycles = Cycle{110'000};
  record.units = step.units;
  record.counters = step.counters;
  record.instructions = std::vector<std::uint64_t>(9, 40'000);
  record.stepped_cycles = 180'000;
  record.engine_seconds = 0.02;
  return record;
}

CheckFacts fake_check() {
  CheckFacts check;
  check.done = true;
  check.max_abs_error = 3.2e-7;
  check.max_rel_error = 4.1e-6;
  check.error_of_allowed = 0.37;
  check.tensors = 42;
  check.redmule_jobs = 120;
  return check;
}

}  // namespace etude::test
