// SPDX-License-Identifier: Apache-2.0
// Graphs with their costs as JSON: what is read, and what is refused.
#include "run/plan/schedule_instance.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

namespace etude::run {
namespace {

using Json = nlohmann::ordered_json;
using Catch::Matchers::Contains;

/// Input -> product -> reshape (a view) -> gradient that reads the reshape and the product.
Json small() {
  return Json::parse(R"({
    "page_bytes_per_s": 100, "page_latency_s": 0.5, "static_w": 0.25,
    "slots": [
      {"name": "x", "time_s": 0, "energy_j": 0, "bytes": 40, "inputs": [], "forward": true,
       "used_by": [1], "page_in_j": 1, "page_out_j": 2},
      {"name": "y", "time_s": 3, "energy_j": 4, "bytes": 80, "inputs": [0], "forward": true,
       "used_by": [2, 3], "page_in_j": 3, "page_out_j": 4, "workspace_bytes": 8},
      {"name": "view", "time_s": 0, "energy_j": 0, "inputs": [1], "view_of": 1,
       "used_by": [3, 4]},
      {"name": "dy", "time_s": 5, "energy_j": 6, "bytes": 20, "inputs": null, "forward": false,
       "used_by": [4], "page_in_j": 5, "page_out_j": 6},
      {"name": "dx", "time_s": 7, "energy_j": 8, "bytes": 10, "inputs": null, "forward": false,
       "used_by": [], "page_in_j": 7, "page_out_j": 8}],
    "parameters": [
      {"name": "w", "bytes": 30, "used_by": [1, 4], "updated_by": 4, "page_in_j": 9,
       "page_out_j": 10}]
  })");
}

TEST_CASE("a graph with a view and an updated parameter", "[schedule]") {
  const auto problem = read_schedule_instance(small(), "small");
  // Four operators between the two ends of the step: the view is none.
  REQUIRE(problem.slots.size() == 6);
  CHECK(problem.slots[2].name == "y");
  CHECK(problem.slots[2].workspace == Bytes{8});
  CHECK(problem.slots[2].recomputable);
  CHECK_FALSE(problem.slots[3].recomputable);
  REQUIRE(problem.tensors.size() == 5);
  const auto& y = problem.tensors[1];
  CHECK(y.producer == 2u);
  CHECK(y.uses == std::vector<compiler::SlotId>{3, 4});  // itself and through the view
  CHECK(y.page_in.seconds == Approx(0.5 + 80 / 100.0));
  CHECK(y.page_out.joules == 4);
  const auto& w = problem.tensors[4];
  CHECK_FALSE(w.producer);
  CHECK(w.updated);
  CHECK(w.uses == std::vector<compiler::SlotId>{2, 4});
  CHECK(problem.static_w == 0.25);
  CHECK(problem.alone(4) == Bytes{80 + 20 + 30 + 10});
  CHECK(problem.recompute_limit(2) == 4u);
}

TEST_CASE("graphs that are not whole are refused in one line", "[schedule]") {
  const auto refused = [](auto damage, const std::string& says) {
    Json json = small();
    damage(json);
    CHECK_THROWS_WITH(read_schedule_instance(json, "small"), Contains(says));
    CHECK_THROWS_AS(read_schedule_instance(json, "small"), UserError);
  };
  refused([](Json& j) { j.erase("slots"); }, "slots");
  refused([](Json& j) { j["slots"] = Json::array(); }, "slots");
  refused([](Json& j) { j["slot"] = 1; }, "nearest is \"slots\"");
  refused([](Json& j) { j.erase("page_latency_s"); }, "page_latency_s");
  refused([](Json& j) { j["page_bytes_per_s"] = 0; }, "page_bytes_per_s");
  refused([](Json& j) { j["slots"][1]["bytes"] = 0; }, "slot 1");
  refused([](Json& j) { j["slots"][1]["bytes"] = -80; }, "slot 1");
  refused([](Json& j) { j["slots"][1]["bytes"] = 1.5; }, "slot 1");
  refused([](Json& j) { j["slots"][1]["time_s"] = "3"; }, "time_s");
  refused([](Json& j) { j["slots"][1]["energy_j"] = -1; }, "energy_j");
  refused([](Json& j) { j["slots"][1]["used_by"] = {3}; }, "whose used_by lacks it");
  refused([](Json& j) { j["slots"][1]["inputs"] = Json::array(); }, "does not read it");
  refused([](Json& j) { j["slots"][4]["used_by"] = {3}; }, "slot 4");
  refused([](Json& j) { j["slots"][3]["used_by"] = {9}; }, "the last one is 4");
  refused([](Json& j) { j["slots"][3]["used_by"] = {4, 4}; }, "twice");
  refused([](Json& j) { j["slots"][2]["view_of"] = 0; }, "view");
  refused([](Json& j) { j["slots"].erase(4); }, "the last one is 3");
  refused([](Json& j) { j["peak_keep_bytes"] = 7; }, "peak_keep_bytes");
  refused([](Json& j) { j["energy_keep_j"] = 7; }, "energy_keep_j");
  refused([](Json& j) { j["parameters"][0]["updated_by"] = 1; }, "updates it");
  refused([](Json& j) { j["parameters"][0]["used_by"] = {2, 4}; }, "a view");
  refused([](Json& j) { j = Json::array(); }, "is no object");
}

}  // namespace
}  // namespace etude::run
