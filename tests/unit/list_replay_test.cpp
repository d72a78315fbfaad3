// SPDX-License-Identifier: Apache-2.0
#include "run/plan/list_replay.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "compiler/cost/cost_model.h"
#include "kernels/include/etude_task.h"
#include "run/plan/measured_times.h"

namespace etude::run {
namespace {

/// A task list whose operations take what the test says.
struct Bench {
  Program program;
  ListTimes times;
  PlatformConfig platform;

  Bench() {
    program.layers.push_back({"layer", "Op", "forward", "cores", 0});
    platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;  // its port takes all banks
  }

  template <class Kind>
  Bench& add(const Kind& what, double cycles = 0, double share = 0) {
    program.tasks.operations.emplace_back().what = what;
    times.alone.push_back(cycles);
    times.port_share.push_back(share);
    return *this;
  }
  double cycles() {
    add(End{});
    return replay_list(program.tasks, times, platform.cluster);
  }
};

Transfer transfer(bool to_l1, std::uint32_t bytes = 1024) {
  Transfer made;
  made.to_l1 = to_l1;
  made.row_bytes = made.l1_pitch = made.l2_pitch = bytes;
  return made;
}

TEST_CASE("units of a task list work beside each other, the operations of one in order",
          "[schedule]") {
  // Units work at full speed here: no job is there, and kernels do not meet transfers.
  const double one = Bench().add(KernelCall{}, 50000).cycles();
  CHECK(one == Approx(50000).margin(500));
  CHECK(Bench().add(KernelCall{}, 50000).add(KernelCall{}, 50000).cycles() == Approx(one + 50000));
  CHECK(Bench().add(KernelCall{}, 50000).add(MatrixJob{}, 40000).cycles() == Approx(one));
  // Both directions of MCHAN move at once, those of iDMA one behind the other.
  Bench both;
  both.add(transfer(true), 30000).add(transfer(false), 30000);
  CHECK(both.cycles() == Approx(30000).margin(600));
  Bench in_turn;
  in_turn.platform.cluster.dma.engine = DmaConfig::Engine::kIdma;
  in_turn.add(transfer(true), 30000).add(transfer(false), 30000);
  CHECK(in_turn.cycles() == Approx(60000).margin(600));
}

TEST_CASE("the list's ring waits for kernels that read their arguments in it", "[schedule]") {
  // Four chunks of eight operations fit. Two kernels of 10,000 cycles are in the first chunk, and
  // the controller has nothing else to wait for: it posts the transfer of the fifth chunk behind
  // both of them.
  const auto posted = [](double kernel) {
    Bench bench;
    bench.times.work.ring_waits = true;
    bench.add(KernelCall{}, kernel).add(KernelCall{}, kernel);
    while (bench.program.tasks.operations.size() < 4 * ETUDE_RING_CHUNK_OPS) {
      bench.add(Wait{TaskUnit::kCores, 0});
    }
    bench.add(transfer(true), 1).add(End{});
    std::vector<double> taken_up;
    replay_list(bench.program.tasks, bench.times, bench.platform.cluster, &taken_up);
    return taken_up[4 * ETUDE_RING_CHUNK_OPS];
  };
  CHECK(posted(1) < 10000);
  CHECK(posted(10000) > 20000);
}

TEST_CASE("a transfer is seen to be over behind those that were posted before it", "[schedule]") {
  // The job waits for the second transfer alone, which moves the other way and is short.
  const auto with_first = [](double cycles) {
    return Bench()
        .add(transfer(true), cycles)
        .add(transfer(false), 1000)
        .add(Wait{TaskUnit::kDma, 2})
        .add(MatrixJob{}, 20000)
        .cycles();
  };
  CHECK(with_first(50000) - with_first(1000) == Approx(49000).margin(300));
}

TEST_CASE("without a controller nothing is posted while a kernel runs", "[schedule]") {
  Bench bench, alone;
  alone.platform.cluster.controller = false;
  for (Bench* each : {&bench, &alone}) {
    each->add(KernelCall{}, 50000).add(MatrixJob{}, 40000);
  }
  CHECK(bench.cycles() == Approx(50000).margin(500));
  CHECK(alone.cycles() == Approx(90000).margin(500));
}

TEST_CASE("who works beside RedMulE's port is slower by what it takes", "[schedule]") {
  ClusterConfig cluster;  // 8 cores on 16 banks
  cluster.redmule.format = RedmuleConfig::Format::kFp32;
  CHECK(speed_beside(TaskUnit::kCores, 0.5, true, cluster) == Approx(1 - 0.8 * 0.5));
  CHECK(speed_beside(TaskUnit::kDma, 0.5, false, cluster) == Approx(1 - 0.93 * 0.5));
  CHECK(speed_beside(TaskUnit::kDma, 0, true, cluster) == Approx(0.83));
  CHECK(speed_beside(TaskUnit::kRedmule, 0.5, true, cluster) == 1);
  cluster.tcdm.banks = 32;  // of which a beat takes half
  CHECK(speed_beside(TaskUnit::kCores, 0.5, true, cluster) == Approx(1 - 0.8 * 0.25));
  const double slow =
      Bench().add(MatrixJob{}, 100000, 0.5).add(KernelCall{}, 30000).cycles();  // it hides
  CHECK(slow == Approx(100000).margin(500));
  // 72,000 cycles at 0.6 of the speed are 120,000.
  CHECK(Bench()
            .add(MatrixJob{}, 200000, 0.5)
            .add(KernelCall{}, 72000)
            .add(Wait{TaskUnit::kCores, 1})
            .add(MatrixJob{}, 100000, 0.5)
            .add(Wait{TaskUnit::kRedmule, 1})
            .cycles() == Approx(300000).margin(1000));
}

TEST_CASE("a list that waits for what is never posted is a defect", "[schedule]") {
  CHECK_THROWS_AS(Bench().add(Wait{TaskUnit::kCores, 1}).cycles(), std::logic_error);
}

TEST_CASE("operations take what the same ones took in a measured pass", "[schedule]") {
  Bench measured;
  KernelCall known{ETUDE_KERNEL_COPY, {0x10001000, 0x10002000, 8, 64, 64, 64}};
  measured.add(known).add(transfer(true, 2048)).add(End{});
  const compiler::CostModel timing(measured.platform);
  const MeasuredTimes times(
      measured.program,
      // The kernel is posted where the transfer is taken up.
      {{Cycle{60}, Cycle{900}, Cycle{60}}, {Cycle{1000}, Cycle{1400}, Cycle{100}}},
      measured.platform, timing);
  Bench other;
  KernelCall elsewhere = known, longer = known;
  elsewhere.args[0] = 0x10003000;
  longer.args[2] = 16;
  other.add(elsewhere).add(longer).add(transfer(true, 2048)).add(transfer(false, 2048));
  const ListTimes found = times.of(other.program);
  CHECK(found.alone[0] == Approx(800));
  const auto modelled = [&](const KernelCall& call) {
    Operation operation;
    operation.what = call;
    return static_cast<double>(modelled_cycles(operation, timing).raw());
  };
  CHECK(found.alone[1] == Approx(800 * modelled(longer) / modelled(known)));
  CHECK(found.alone[2] == Approx(400));
  // Nothing of its kind was measured.
  CHECK(found.alone[3] ==
        static_cast<double>(modelled_cycles(other.program.tasks.operations[3], timing).raw()));
}

TEST_CASE("transfers straight behind others take what such ones took", "[schedule]") {
  // Three transfers in: 400 cycles by itself, 300 behind another; MCHAN's other direction, and on
  // iDMA the same engine, goes on at 1700.
  const auto measured = [](DmaConfig::Engine engine) {
    Bench bench;
    bench.platform.cluster.dma.engine = engine;
    bench.add(transfer(true)).add(transfer(true)).add(transfer(false)).add(End{});
    const compiler::CostModel timing(bench.platform);
    return MeasuredTimes(bench.program,
                         {{Cycle{1000}, Cycle{1400}, Cycle{900}},
                          {Cycle{1100}, Cycle{1700}, Cycle{1000}},
                          {Cycle{1200}, Cycle{1950}, Cycle{1100}}},
                         bench.platform, timing)
        .of(bench.program);
  };
  const ListTimes mchan = measured(DmaConfig::Engine::kMchan);
  CHECK(mchan.alone[0] == 400);
  CHECK(mchan.behind[0] == 300);
  CHECK(mchan.alone[2] == 750);
  const ListTimes idma = measured(DmaConfig::Engine::kIdma);
  CHECK(idma.behind[0] == 300);
  CHECK(idma.behind[2] == 250);
}

}  // namespace
}  // namespace etude::run
