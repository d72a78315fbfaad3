// SPDX-License-Identifier: Apache-2.0
// The replay of schedules that were written by hand, and of damaged ones.
#include <catch2/catch.hpp>

#include "compiler/schedule/eviction_plan.h"
#include "compiler/schedule/replay.h"
#include "tests/support/random_problem.h"
#include "tests/support/row_of_four.h"

namespace etude::compiler {
namespace {

using Direction = TensorPage::Direction;

TEST_CASE("replay of keep: peak, time and energy by hand", "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  const Replay played = replay(problem, EvictionPlan(problem).schedule());
  CHECK(played.ok);
  CHECK(played.peak == Bytes{10 + 20 + 30});  // in slot 2
  CHECK(played.peak == problem.peak_keep());
  CHECK(played.peak_slot == 2);
  CHECK(played.time_s == Approx(4 * 2));
  CHECK(played.energy_j == Approx(1 + 2 + 3 + 4));
  CHECK(played.recomputed.empty());
  CHECK(problem.alone(2) == Bytes{50});
  CHECK(problem.largest_slot() == 2);
}

TEST_CASE("replay of a recomputation", "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  Decisions decisions;
  decisions.recomputes = {{}, {}, {}, {0}};
  const Replay played = replay(problem, with_lifetimes(problem, decisions));
  CHECK(played.ok);
  CHECK(played.peak == Bytes{50});  // slot 2 without the first result
  CHECK(played.slot_peaks[3] == Bytes{30 + 10 + 5});
  CHECK(played.time_s == Approx(5 * 2));
  CHECK(played.energy_j == Approx(10 + 1));
  CHECK(played.recomputed == std::vector<StorageId>{0});
}

TEST_CASE("replay of transfers between two slots: the step waits, and no slot holds them",
          "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  Decisions decisions;
  decisions.pages = {{0, Direction::kOut, 2, 1}, {0, Direction::kIn, 3, 2}};
  const Replay played = replay(problem, with_lifetimes(problem, decisions));
  CHECK(played.ok);
  CHECK(played.slot_peaks[1] == Bytes{10 + 20});
  CHECK(played.slot_peaks[2] == Bytes{20 + 30});  // without the first result
  CHECK(played.slot_peaks[3] == Bytes{30 + 10 + 5});
  CHECK(played.time_s == Approx(4 * 2 + 3 + 4));
  CHECK(played.energy_j == Approx(10 + 0.5 + 0.25));
  SECTION("what was given up cannot go out, what is not home cannot come in") {
    decisions.pages = {{1, Direction::kOut, 3, 2}};
    CHECK_FALSE([&] {
      EventSchedule damaged = with_lifetimes(problem, decisions);
      damaged.slots[1].back().frees.push_back(0);
      return replay(problem, damaged);
    }()
                    .ok);
    decisions.pages = {{0, Direction::kIn, 3, 2}};
    CHECK_FALSE(replay(problem, with_lifetimes(problem, decisions)).ok);
  }
  SECTION("a point has a slot on either side") {
    for (const TensorPage& page :
         {TensorPage{0, Direction::kOut, 4, 3}, TensorPage{0, Direction::kOut, 3, 1}}) {
      decisions.pages = {page};
      EventSchedule damaged = with_lifetimes(problem, {});
      damaged.pages = decisions.pages;
      CHECK_FALSE(replay(problem, damaged).ok);
    }
  }
}

TEST_CASE("replay of a page: buffers count while transfers are under way, slots wait for them",
          "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  Decisions decisions;
  decisions.pages = {{0, Direction::kOut, 1, 1}, {0, Direction::kIn, 2, 2}};
  const Replay played = replay(problem, with_lifetimes(problem, decisions));
  CHECK(played.ok);
  CHECK(played.peak == Bytes{60});  // the buffer of the page-in stands beside slot 2
  // 2 + max(2, 3) + max(2, 4) + 2: both transfers are longer than their slots.
  CHECK(played.time_s == Approx(2 + 3 + 4 + 2));
  CHECK(played.energy_j == Approx(10 + 0.5 + 0.25));
  CHECK(played.paged == std::vector<StorageId>{0});
}

TEST_CASE("a transfer that has time runs beside the operators of its window", "[schedule]") {
  ScheduleProblem problem = test::row_of_four();
  problem.tensors[0].page_out.seconds = 1;
  problem.tensors[0].page_in.seconds = 1.5;
  problem.static_w = 2;
  Decisions decisions;
  decisions.pages = {{0, Direction::kOut, 1, 1}, {0, Direction::kIn, 2, 2}};
  const Replay played = replay(problem, with_lifetimes(problem, decisions));
  CHECK(played.time_s == Approx(8));
  CHECK(played.energy_j == Approx(10.75 + 2 * 8));
}

TEST_CASE("two transfers share the DMA: what has to be done first goes first", "[schedule]") {
  ScheduleProblem problem = test::row_of_four();
  problem.tensors[1].uses.push_back(3);
  problem.complete("row");
  problem.tensors[0].page_out.seconds = 4;  // slots 1 and 2: room for 4
  problem.tensors[1].page_out.seconds = 1;  // slot 2 alone
  Decisions decisions;
  decisions.pages = {{0, Direction::kOut, 1, 2}, {1, Direction::kOut, 2, 2}};
  const Replay played = replay(problem, with_lifetimes(problem, decisions));
  // 2 of the first in slot 1; 2 of it and 1 of the second in slot 2, which lasts 3.
  CHECK(played.time_s == Approx(2 + 2 + 3 + 2));
}

TEST_CASE("what is updated has to come home, and is not read in its old form", "[schedule]") {
  ScheduleProblem problem = test::row_of_four();
  ProblemTensor weight;
  weight.name = "w";
  weight.bytes = Bytes{7};
  weight.uses = {1, 2};
  weight.updated = true;
  weight.page_in = weight.page_out = {1, 1};
  problem.tensors.push_back(weight);
  problem.complete("row");
  const EventSchedule kept = EvictionPlan(problem).schedule();
  const Replay played = replay(problem, kept);
  CHECK(played.ok);
  CHECK(played.energy_j == Approx(10 + 2));
  EventSchedule lost = kept;
  std::erase_if(lost.pages, [](const TensorPage& p) { return p.direction == Direction::kOut; });
  CHECK_FALSE(replay(problem, lost).ok);
  // Slot 2 (after "begin") reads the weight; behind its update it cannot run again.
  Decisions late;
  late.recomputes.resize(problem.slots.size());
  late.recomputes[4] = {2};
  late.pages = kept.pages;
  CHECK_FALSE(replay(problem, with_lifetimes(problem, late)).ok);
}

TEST_CASE("replay finds what is wrong with a damaged schedule", "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  const EventSchedule good = EvictionPlan(problem).schedule();
  REQUIRE(replay(problem, good).ok);
  const auto faulty = [&](auto damage) {
    EventSchedule bad = good;
    damage(bad);
    const Replay played = replay(problem, bad);
    return !played.ok && !played.faults.empty();
  };
  CHECK(faulty([](EventSchedule& s) { s.slots.pop_back(); }));
  CHECK(faulty([](EventSchedule& s) { s.slots[1].clear(); }));
  CHECK(faulty([](EventSchedule& s) { s.slots[0].back().frees = {0}; }));    // read later
  CHECK(faulty([](EventSchedule& s) { s.slots[3].back().frees.clear(); }));  // left behind
  CHECK(faulty([](EventSchedule& s) { s.slots[1].insert(s.slots[1].begin(), {2, {}}); }));
  CHECK(faulty([](EventSchedule& s) { s.pages.push_back({0, Direction::kIn, 1, 2}); }));
  CHECK(faulty([](EventSchedule& s) { s.pages.push_back({3, Direction::kOut, 1, 2}); }));
  CHECK(faulty([](EventSchedule& s) { s.pages.push_back({0, Direction::kOut, 2, 9}); }));
}

TEST_CASE("keeping everything of random graphs takes the peak that liveness gives", "[schedule]") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    const Replay played = replay(problem, EvictionPlan(problem).schedule());
    CHECK(played.ok);
    const bool from_home = !problem.tensors.back().producer;
    if (!from_home) {
      CHECK(played.peak == problem.peak_keep());
    } else {
      CHECK(played.peak >= problem.peak_keep());  // and its buffers
    }
  }
}

}  // namespace
}  // namespace etude::compiler
