// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_work.h"

#include <catch2/catch.hpp>

#include "compiler/cost/cost_model.h"
#include "models/base/pulp_map_regs.h"
#include "sim/config/load.h"
#include "tests/support/shared_data.h"

namespace etude::run {
namespace {

/// A job, a kernel's cycles, a transfer each way and a page each way.
struct Bench {
  std::vector<std::string> warnings;
  const RootConfig config =
      load_config((test::source_dir() / "configs/cct2_lora.json").string(), {}, warnings);
  const compiler::CostModel timing{config.platform};
  StepWork work;

  Bench() {
    const Address l2{ETUDE_L2_BASE}, home{ETUDE_HYPERRAM_BASE};
    add(KernelCall{}, 1000);
    MatrixJob job;
    job.m = job.n = job.k = 32;
    add(job, 1200);
    Transfer transfer;
    transfer.row_bytes = 4096;
    add(transfer, 600);
    transfer.to_l1 = false;
    add(transfer, 600);
    add(PageTransfer{home, l2, 16384}, 16000);
    add(PageTransfer{l2, home, 8192}, 8000);
  }
  template <class Kind>
  void add(const Kind& kind, std::uint64_t cycles) {
    Operation operation;
    operation.what = kind;
    work.add(operation, Cycle{cycles}, config.platform, timing);
  }
};

TEST_CASE("the work of operations is what their units will count", "[schedule]") {
  Bench bench;
  CounterSnapshot& counters = bench.work.activity.counters;
  CHECK(bench.work.kernel_cycles == 1000);
  CHECK(counters["redmule.active"] == 1200);
  CHECK(counters["dma.bytes_in"] == 4096);
  CHECK(counters["dma.bytes_out"] == 4096);
  CHECK(counters["hyperram.read_bytes"] == 16384);
  CHECK(counters["hyperram.write_bytes"] == 8192);
  CHECK(counters["l2.read_bytes"] == 4096 + 8192);
  CHECK(counters["l2.write_bytes"] == 4096 + 16384);
}

TEST_CASE("prices that a measured step gave make that step's energy", "[schedule]") {
  const Bench bench;
  Activity measured = bench.work.activity;
  measured.cycles = Cycle{30000};
  measured.counters["redmule.fma_padded"] = 5000;
  measured.counters["dma.bytes_in"] += 700;
  measured.counters["core0.alu"] = 90000;
  measured.counters["tcdm.reads"] += 40000;
  measured.core_stalls["sleep"] = 8 * 30000;
  WorkPrices prices(bench.config.platform, bench.config.energy);
  const double assumed = prices.joules(bench.work);
  prices.calibrate(bench.work, measured);
  const double seconds = 30000 / bench.config.platform.cluster.clock_hz;
  const double total = price(measured, bench.config.platform, bench.config.energy).total;
  CHECK(prices.joules(bench.work) + prices.static_watts() * seconds == Approx(total));
  CHECK(prices.joules(bench.work) != Approx(assumed));
  // Twice the work takes twice the dynamic energy.
  StepWork twice = bench.work;
  twice.kernel_cycles *= 2;
  for (auto& [name, count] : twice.activity.counters) {
    count *= 2;
  }
  CHECK(prices.joules(twice) == Approx(2 * prices.joules(bench.work)));
}

TEST_CASE("a larger L2 leaks more", "[schedule]") {
  const Bench bench;
  const WorkPrices prices(bench.config.platform, bench.config.energy);
  const Bytes size = bench.config.platform.l2.size;
  CHECK(prices.static_watts(size) == Approx(prices.static_watts()));
  CHECK(prices.static_watts(size * 2) > prices.static_watts());
}

}  // namespace
}  // namespace etude::run
