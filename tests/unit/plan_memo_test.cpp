// SPDX-License-Identifier: Apache-2.0
// Plans that take what they have in common with others from a memo are the same as fresh ones.
#include "run/plan/plan_memo.h"

#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "run/plan/plan.h"
#include "tests/support/program_digest.h"

namespace etude::run {
namespace {

/// A program's digest and the facts beside it, or why there is none.
std::string made_of(const RootConfig& config, PlanMemo* memo) {
  try {
    const Plan plan = memo == nullptr ? Plan(config) : Plan(config, {}, *memo);
    const RunFacts facts = plan.facts();
    std::string made = std::to_string(test::digest_of(plan.program())) + " " + facts.title + " " +
                       std::to_string(plan.config().workload.batch) + " " +
                       std::to_string(facts.samples) + " " + std::to_string(facts.macs);
    for (const std::string& warning : facts.warnings) {
      made += " " + warning;
    }
    return made;
  } catch (const UserError& error) {
    return error.what();
  }
}

/// A step with the array, cores and L1 that are drawn.
RootConfig drawn(std::mt19937& random) {
  const auto one_of = [&](const auto& values) { return values[random() % std::size(values)]; };
  RootConfig config;
  config.workload.network = one_of(std::vector<std::string>{"mlp", "mlp", "bert", "deep_ae"});
  if (config.workload.network == "mlp") {
    config.workload.sizes = {96, 128, 64, 10};
  }
  config.workload.batch = one_of(std::vector<unsigned>{1, 4, 8});
  config.train.method = MethodOptions::Method::kFull;
  ClusterConfig& cluster = config.platform.cluster;
  cluster.redmule.enabled = random() % 4 != 0;
  cluster.redmule.height = one_of(std::vector<unsigned>{2, 4});
  cluster.redmule.width = one_of(std::vector<unsigned>{4, 8, 12});
  cluster.cores = one_of(std::vector<unsigned>{4, 8});
  cluster.tcdm.size = Bytes{one_of(std::vector<unsigned>{32768, 65536, 131072})};
  return config;
}

/// Another L2, clock, HyperRAM and home, which a memo is for.
void draw_what_may_differ(RootConfig& config, std::mt19937& random) {
  const auto one_of = [&](const auto& values) { return values[random() % std::size(values)]; };
  config.platform.l2.size =
      Bytes{one_of(std::vector<unsigned>{196608, 262144, 393216, 524288, 1048576, 4194304})};
  config.platform.cluster.clock_hz = one_of(std::vector<double>{100e6, 300e6, 400e6});
  config.platform.hyperram.bandwidth_mb_s = one_of(std::vector<double>{200, 400, 800});
}

TEST_CASE("a plan that takes from a memo is the same as a fresh one") {
  std::mt19937 random(11);
  unsigned lowered = 0, refused = 0;
  for (unsigned family = 0; family < 8; ++family) {
    RootConfig config = drawn(random);
    config.workload.home =
        random() % 2 == 0 ? WorkloadConfig::Home::kAuto : WorkloadConfig::Home::kExtmem;
    PlanMemo memo;
    for (unsigned point = 0; point < 6; ++point) {
      draw_what_may_differ(config, random);
      const std::string fresh = made_of(config, nullptr);
      INFO(config.workload.network << " " << config.platform.l2.size.raw());
      CHECK(made_of(config, &memo) == fresh);
      ++(fresh.find("short") == std::string::npos ? lowered : refused);
    }
    CHECK((memo.workload() != nullptr || refused > 0));
  }
  CHECK(lowered > 20);
}

}  // namespace
}  // namespace etude::run
