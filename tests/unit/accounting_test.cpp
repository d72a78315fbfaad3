// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/accounting.h"

#include <catch2/catch.hpp>
#include <memory>
#include <numeric>

using namespace etude;
using Catch::Matchers::Contains;

namespace {

/// A component that is nothing but counters; `counters[i].value` is what it has counted.
struct FakeUnit {
  std::vector<Counter> counters;
  std::function<void(const CounterVisitor&)> visitor() {
    return [this](const CounterVisitor& visit) {
      for (const Counter& counter : counters) {
        visit(counter);
      }
    };
  }
};

constexpr auto kEvent = CounterRole::kEvent;
constexpr auto kBusy = CounterRole::kBusy;
constexpr auto kStall = CounterRole::kStall;

/// Two harts, a unit with busy cycles and stalls, a unit that is only busy, and a memory.
struct Bench {
  FakeUnit engine{{{"jobs", "jobs", "", kEvent},
                   {"wait", "cycles", "", kStall},
                   {"busy", "cycles", "", kBusy},
                   {"conflict", "cycles", "", kStall}}};
  FakeUnit mover{{{"busy", "cycles", "", kBusy}}};
  FakeUnit memory{{{"busy", "cycles", "", kEvent}, {"reads", "accesses", "", kEvent}}};
  std::vector<HartCycles> harts = std::vector<HartCycles>(2);
  Accounting books;

  Bench() {
    books.add("engine", engine.visitor());
    books.add("memory", memory.visitor());
    books.add("mover", mover.visitor());
    books.set_harts({"core0", "controller"});
  }
  Snapshot at(std::uint64_t cycle) { return {Cycle{cycle}, harts, books.counters()}; }
  /// What happens between two moments.
  void work(std::uint64_t jobs, std::uint64_t wait, std::uint64_t busy, std::uint64_t conflict) {
    engine.counters[0] += jobs;
    engine.counters[1] += wait;
    engine.counters[2] += busy;
    engine.counters[3] += conflict;
  }
  void hart(unsigned h, std::uint64_t busy, StallReason reason, std::uint64_t stalled) {
    harts[h].busy += busy;
    harts[h].stalls[static_cast<unsigned>(reason)] += stalled;
  }
  StepRecord only_step(std::uint64_t end) {
    RunRecord record;
    books.finish(at(end), record);
    REQUIRE(record.steps.size() == 1);
    return record.steps[0];
  }
};

std::uint64_t total(const UnitRecord& unit) {
  return std::accumulate(unit.stalls.begin(), unit.stalls.end(), unit.busy,
                         [](std::uint64_t sum, const auto& stall) { return sum + stall.second; });
}

}  // namespace

TEST_CASE("a unit's cycles are busy, stalled by its reasons, and the rest idle", "[accounting]") {
  Bench bench;
  bench.books.begin_step(bench.at(100));
  bench.work(3, 10, 40, 5);
  bench.mover.counters[0] += 100;
  bench.memory.counters[0] += 500;  // booked ahead: more than the step has
  bench.memory.counters[1] += 7;
  bench.books.end_step(bench.at(200));
  const StepRecord step = bench.only_step(200);
  CHECK(step.cycles == Cycle{100});
  CHECK(step.begin == Cycle{100});
  // Harts first, then the units in the order of add(); the memory has no role in it.
  REQUIRE(step.units.size() == 4);
  CHECK(step.units[0].name == "core0");
  CHECK(step.units[1].name == "controller");
  const UnitRecord& engine = step.units[2];
  CHECK(engine.name == "engine");
  CHECK(engine.busy == 40);
  // 100 cycles - 40 busy - 10 - 5 = 45 idle; the 3 jobs are no cycles
  CHECK(engine.stalls ==
        std::map<std::string, std::uint64_t>{{"wait", 10}, {"conflict", 5}, {"idle", 45}});
  CHECK(total(engine) == 100);
  const UnitRecord& mover = step.units[3];
  CHECK(mover.name == "mover");
  CHECK(mover.busy == 100);
  CHECK(mover.stalls == std::map<std::string, std::uint64_t>{{"idle", 0}});
  CHECK(step.counters == CounterSnapshot{{"engine.jobs", 3},
                                         {"engine.wait", 10},
                                         {"engine.busy", 40},
                                         {"engine.conflict", 5},
                                         {"memory.busy", 500},
                                         {"memory.reads", 7},
                                         {"mover.busy", 100}});
}

TEST_CASE("a reason that cost nothing is not told, idle always is", "[accounting]") {
  Bench bench;
  bench.books.begin_step(bench.at(0));
  bench.work(0, 0, 8, 2);
  bench.books.end_step(bench.at(10));
  const UnitRecord engine = bench.only_step(10).units[2];
  CHECK(engine.stalls == std::map<std::string, std::uint64_t>{{"conflict", 2}, {"idle", 0}});
}

TEST_CASE("a unit that books more cycles than passed is an error", "[accounting]") {
  Bench bench;
  bench.books.begin_step(bench.at(0));
  bench.work(0, 30, 60, 10);  // 60 + 30 + 10 = 100 of 100
  CHECK_NOTHROW(bench.books.end_step(bench.at(100)));
  Bench more;
  more.books.begin_step(more.at(0));
  more.work(0, 30, 60, 11);  // 101 of 100
  CHECK_THROWS_WITH(more.books.end_step(more.at(100)), "engine booked 101 cycles of 100");
  Bench whole;
  whole.mover.counters[0] += 51;  // without a step: the account of the whole run
  RunRecord record;
  CHECK_THROWS_WITH(whole.books.finish(whole.at(50), record), "mover booked 51 cycles of 50");
}

TEST_CASE("roles that make no account are refused", "[accounting]") {
  Accounting books;
  FakeUnit twice{{{"busy", "cycles", "", kBusy}, {"active", "cycles", "", kBusy}}};
  CHECK_THROWS_WITH(books.add("twice", twice.visitor()), "twice has two counters of busy cycles");
  FakeUnit never{{{"wait", "cycles", "", kStall}}};
  CHECK_THROWS_WITH(books.add("never", never.visitor()), "never counts stalls, but no busy cycles");
  FakeUnit none{{{"reads", "accesses", "", kEvent}}};
  CHECK_NOTHROW(books.add("none", none.visitor()));
  FakeUnit empty;
  CHECK_NOTHROW(books.add("empty", empty.visitor()));
}

TEST_CASE("harts are accounted by their reasons, from border to border", "[accounting]") {
  Bench bench;
  bench.hart(0, 50, StallReason::kSleep, 50);  // before the step
  bench.books.begin_step(bench.at(100));
  bench.hart(0, 30, StallReason::kLoadUse, 12);
  bench.hart(0, 0, StallReason::kSleep, 8);
  bench.hart(1, 1, StallReason::kEventWait, 49);
  bench.books.end_step(bench.at(150));
  bench.hart(0, 5, StallReason::kSleep, 0);  // after it
  const StepRecord step = bench.only_step(155);
  CHECK(step.units[0].busy == 30);
  CHECK(step.units[0].stalls ==
        std::map<std::string, std::uint64_t>{{"load_use", 12}, {"sleep", 8}});
  CHECK(total(step.units[0]) == 50);  // 150 - 100
  CHECK(step.units[1].busy == 1);
  CHECK(total(step.units[1]) == 50);
}

TEST_CASE("operations cut a step into segments that sum to it", "[accounting]") {
  Bench bench;
  bench.books.begin_step(bench.at(1000));
  bench.work(1, 0, 10, 0);  // before the first operation: belongs to it
  bench.books.begin_op(4, 1, bench.at(1020));
  bench.work(0, 5, 0, 0);
  bench.hart(0, 0, StallReason::kLoadUse, 3);
  bench.books.begin_op(9, 0, bench.at(1050));
  bench.work(2, 0, 7, 1);
  bench.hart(1, 0, StallReason::kSleep, 20);
  bench.books.begin_op(5, 1, bench.at(1080));
  bench.work(0, 0, 1, 0);
  bench.hart(0, 0, StallReason::kLoadUse, 4);
  bench.books.end_step(bench.at(1100));
  const StepRecord step = bench.only_step(1100);
  REQUIRE(step.segments.size() == 3);
  const std::uint64_t expected[3][3] = {{4, 0, 50}, {9, 50, 80}, {5, 80, 100}};
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(step.segments[i].op == expected[i][0]);
    CHECK(step.segments[i].begin == Cycle{expected[i][1]});
    CHECK(step.segments[i].end == Cycle{expected[i][2]});
    sum += (step.segments[i].end - step.segments[i].begin).raw();
  }
  CHECK(sum == step.cycles.raw());
  REQUIRE(step.layer_counters.size() == 2);
  // layer 0: operation 9 alone; layer 1: operations 4 and 5 = 10 + 1 busy, 5 waiting, 1 job
  CHECK(step.layer_counters[0].at("engine.busy") == 7);
  CHECK(step.layer_counters[0].at("engine.conflict") == 1);
  CHECK(step.layer_counters[0].at("engine.jobs") == 2);
  CHECK(step.layer_counters[1].at("engine.busy") == 11);
  CHECK(step.layer_counters[1].at("engine.wait") == 5);
  CHECK(step.layer_counters[1].at("engine.jobs") == 1);
  for (const auto& [name, value] : step.counters) {
    CHECK(step.layer_counters[0].at(name) + step.layer_counters[1].at(name) == value);
  }
  CHECK(step.layer_stalls[0] == std::map<std::string, std::uint64_t>{{"sleep", 20}});
  CHECK(step.layer_stalls[1] == std::map<std::string, std::uint64_t>{{"load_use", 3 + 4}});
}

TEST_CASE("each step starts anew, the run's account has all of them and what lies between",
          "[accounting]") {
  Bench bench;
  bench.work(0, 0, 5, 0);  // set-up
  bench.books.begin_step(bench.at(10));
  bench.books.begin_op(0, 0, bench.at(10));
  bench.work(1, 2, 3, 0);
  bench.books.end_step(bench.at(20));
  bench.work(0, 0, 4, 0);
  bench.books.begin_step(bench.at(30));
  bench.books.begin_op(0, 0, bench.at(30));
  bench.work(1, 0, 6, 1);
  bench.books.end_step(bench.at(45));
  bench.harts[0].instructions = 77;
  bench.harts[1].instructions = 5;
  RunRecord record;
  bench.books.finish(bench.at(50), record);
  REQUIRE(record.steps.size() == 2);
  CHECK(record.steps[0].cycles == Cycle{10});
  CHECK(record.steps[0].units[2].busy == 3);
  CHECK(record.steps[0].units[2].stalls.at("idle") == 5);  // 10 - 3 - 2
  CHECK(record.steps[1].begin == Cycle{30});
  CHECK(record.steps[1].cycles == Cycle{15});
  CHECK(record.steps[1].units[2].busy == 6);
  CHECK(record.steps[1].units[2].stalls.at("idle") == 8);  // 15 - 6 - 1
  CHECK(record.steps[1].segments.size() == 1);
  CHECK(record.steps[1].layer_counters.at(0).at("engine.busy") == 6);
  CHECK(record.units[2].busy == 5 + 3 + 4 + 6);
  CHECK(record.units[2].stalls.at("idle") == 50 - 18 - 2 - 1);
  CHECK(record.counters.at("engine.jobs") == 2);
  CHECK(record.instructions == std::vector<std::uint64_t>{77, 5});
}

TEST_CASE("marks in the wrong order are errors", "[accounting]") {
  Bench bench;
  CHECK_FALSE(bench.books.in_step());
  CHECK_THROWS_WITH(bench.books.begin_op(0, 0, bench.at(1)), Contains("outside a step"));
  CHECK_THROWS_WITH(bench.books.end_step(bench.at(1)), Contains("has not begun"));
  bench.books.begin_step(bench.at(1));
  CHECK(bench.books.in_step());
  bench.books.end_step(bench.at(2));
  CHECK_FALSE(bench.books.in_step());
  CHECK_THROWS_WITH(bench.books.end_step(bench.at(3)), Contains("has not begun"));
}

TEST_CASE("every reason has a name of its own", "[accounting]") {
  std::map<std::string, int> names;
  for (unsigned r = 0; r < kStallReasons; ++r) {
    ++names[stall_name(static_cast<StallReason>(r))];
  }
  CHECK(names.size() == kStallReasons);
  CHECK_THROWS_AS(stall_name(StallReason::kCount), std::logic_error);
}
