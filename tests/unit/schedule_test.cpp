// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "compiler/schedule/policy.h"
#include "sim/config/schedule_words.h"
#include "workloads/networks/networks.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {
namespace {

Schedule kept(const TrainingGraph& training) {
  const PlatformConfig platform;
  const TilingConfig tiling;
  const Step step(training, platform, tiling, TrainConfig::Precision::kFp32);
  const auto policy = make_policy({});
  REQUIRE(policy != nullptr);
  Schedule schedule = policy->choose(step);
  CHECK(schedule.order.size() == step.operators.size());
  return schedule;
}

TEST_CASE("keep runs each operator once, in the step's own order", "[schedule]") {
  const auto schedule = kept(make_training_graph(make_network("mlp", {6, 5, 4}, 3), 0.1));
  for (std::uint32_t i = 0; i < schedule.order.size(); ++i) {
    CHECK(schedule.order[i] == i);
  }
}

TEST_CASE("every policy of a configuration is carried out or has none here", "[schedule]") {
  using Policy = ScheduleConfig::Policy;
  for (const auto& [word, policy] : schedule_policies()) {
    CAPTURE(word);
    ScheduleConfig config;
    config.policy = policy;
    const bool carried_out = policy == Policy::kKeep || policy == Policy::kSqrt;
    CHECK((make_policy(config) != nullptr) == carried_out);
  }
}

}  // namespace
}  // namespace etude::compiler
