// SPDX-License-Identifier: Apache-2.0
// What the controller takes, from moments that are made up.
#include "run/plan/controller_work.h"

#include <catch2/catch.hpp>

#include "kernels/include/etude_task.h"

namespace etude::run {
namespace {

/// A pass in which the controller took up each operation at a moment, and its unit was done at one.
struct Pass {
  Program program;
  std::vector<OperationSpan> spans;
  ClusterConfig cluster;
  std::uint64_t now = 0;

  template <class Kind>
  Pass& add(const Kind& what, std::uint64_t cycles, std::uint64_t end = 0) {
    program.tasks.operations.emplace_back().what = what;
    spans.push_back({Cycle{now}, Cycle{end}, Cycle{now}});
    now += cycles;
    return *this;
  }
  ControllerWork work() {
    add(End{}, 0);
    return measured_work(program, spans, cluster);
  }
};

TEST_CASE("the controller's work is what a pass showed of operations that nothing held up",
          "[schedule]") {
  Pass pass;
  pass.add(End{}, 1000);  // the first of a chunk of the list is not counted
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t end = pass.now + 500;
    pass.add(KernelCall{}, 40, end);
    const unsigned done = static_cast<unsigned>(i) + 1;
    // Waits for 460 cycles, then takes 7 to go on.
    pass.add(Wait{TaskUnit::kCores, done}, 467);
  }
  pass.add(Wait{TaskUnit::kCores, 1}, 11);  // the only one that did not wait: too few to say
  const ControllerWork work = pass.work();
  CHECK(work.kernel == 40);
  CHECK(work.woken[0] == 7);
  CHECK(work.seen[0] == ControllerWork{}.seen[0]);
  CHECK(work.job == ControllerWork{}.job);
}

TEST_CASE("operations that found their queue full do not count", "[schedule]") {
  Pass pass;
  pass.add(End{}, 10);
  for (int i = 0; i < 5; ++i) {  // each job takes 1000 cycles, and two may be posted
    pass.add(MatrixJob{}, i < 2 ? 100 : 900, 1010 + 1000 * static_cast<std::uint64_t>(i));
  }
  pass.now = 90000;  // all are done
  pass.add(End{}, 10).add(End{}, 10).add(End{}, 10).add(MatrixJob{}, 160, 91000);
  CHECK(pass.work().job == Approx((100 + 100 + 160) / 3.0));
}

TEST_CASE("core 0 without a controller posts a kernel within its cycles", "[schedule]") {
  Pass pass;
  pass.cluster.controller = false;
  pass.add(End{}, 10);
  for (int i = 0; i < 4; ++i) {
    pass.add(KernelCall{}, 700, pass.now + 700);
  }
  CHECK(pass.work().kernel == 0);
}

}  // namespace
}  // namespace etude::run
