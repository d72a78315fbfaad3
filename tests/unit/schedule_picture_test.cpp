// SPDX-License-Identifier: Apache-2.0
// What an answer says for pictures, of schedules that were written by hand.
#include "run/plan/schedule_picture.h"

#include <catch2/catch.hpp>

#include "compiler/schedule/eviction_plan.h"
#include "tests/support/row_of_four.h"

namespace etude::run {
namespace {
using namespace compiler;
using Direction = TensorPage::Direction;
using Json = nlohmann::ordered_json;

Json picture_of(const Decisions& decisions, const PictureNames& names = {}) {
  const ScheduleProblem problem = test::row_of_four();
  const EventSchedule schedule = with_lifetimes(problem, decisions);
  const Replay played = replay(problem, schedule);
  REQUIRE(played.ok);
  Json answer;
  add_picture(answer, problem, schedule, played, names);
  return answer;
}

std::vector<std::string> cells(const Json& answer) {
  std::vector<std::string> all;
  for (const Json& tensor : answer.at("tensors")) {
    all.push_back(tensor.at("cells"));
  }
  return all;
}

TEST_CASE("cells of a recomputation", "[schedule]") {
  Decisions decisions;
  decisions.recomputes = {{}, {}, {}, {0}};
  CHECK(cells(picture_of(decisions)) ==
        std::vector<std::string>{"c0 k1 r3", "c1 k2", "c2 k3", "c3"});
}

TEST_CASE("cells, times and bytes of a page that slots wait for", "[schedule]") {
  Decisions decisions;
  decisions.pages = {{0, Direction::kOut, 1, 1}, {0, Direction::kIn, 2, 2}};
  PictureNames names;
  names.kinds["t1"] = "gradient";
  names.phases["s3"] = "update";
  const Json answer = picture_of(decisions, names);
  CHECK(cells(answer) == std::vector<std::string>{"c0 o1 i2 k3", "c1 k2", "c2 k3", "c3"});
  // Slot 2 waits for the last 1 of 3 s on the way out, slot 3 for the last 2 of 4 s on the way in.
  const double starts[] = {0, 2, 4, 7}, seconds[] = {2, 2, 3, 4};
  for (std::size_t slot = 0; slot < 4; ++slot) {
    CHECK(answer["slots"][slot]["start_s"].get<double>() == Approx(starts[slot]));
    CHECK(answer["slots"][slot]["seconds"].get<double>() == Approx(seconds[slot]));
  }
  // Slot 2: what it reads and makes, and the buffer of the first result, which is on its way in.
  CHECK(answer["slots"][2]["bytes"] ==
        Json{{"activation", 30}, {"gradient", 20}, {"transfer", 10}});
  CHECK(answer["slots"][0]["phase"] == "forward");
  CHECK(answer["slots"][3]["phase"] == "update");
  CHECK(answer["tensors"][1]["kind"] == "gradient");
  CHECK(answer["tensors"][2]["kind"] == "activation");
}

TEST_CASE("a schedule that the replay refuses has no picture", "[schedule]") {
  const ScheduleProblem problem = test::row_of_four();
  EventSchedule schedule = EvictionPlan(problem).schedule();
  schedule.slots[1].back().frees.push_back(0);  // the last one reads it
  const Replay played = replay(problem, schedule);
  REQUIRE(!played.ok);
  Json answer = Json::object();
  add_picture(answer, problem, schedule, played, {});
  CHECK(answer.empty());
}

}  // namespace
}  // namespace etude::run
