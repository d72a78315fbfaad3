// SPDX-License-Identifier: Apache-2.0
// Outputs follow from network and hardware alone: not from what else stands in L1, where parameters
// are at home, how large L2 is, or what a schedule runs again and moves. tests/tools/sum_order.cpp
// asks the same of as many networks as one likes.
#include "tests/support/sum_order.h"

#include <catch2/catch.hpp>

#include "tests/support/random_network.h"
#include "workloads/networks/networks.h"

namespace etude::test {
namespace {

TEST_CASE("random networks have the same bits wherever things stand", "[order]") {
  unsigned programs = 0;
  // The first eight of those whose bits once differed, and others.
  for (const unsigned seed : {7u, 13u, 1u, 2u, 3u, 4u}) {
    const RandomNetwork network = random_network(seed);
    constexpr unsigned kSizes[] = {32, 48, 64, 96, 128};
    const unsigned kib = kSizes[seed % 5];
    INFO("network " << seed << " (" << network.name << "), L1 of " << kib << " KiB");
    const auto platform = platform_for(network.precision, network.redmule, kib, 8);
    const OrderReport found =
        compare_orders(network.training, platform, network.precision, seed, 1);
    CHECK(found.differences == "");
    programs += found.programs;
  }
  CHECK(programs > 40);
}

TEST_CASE("the loss of a perceptron whose last layer takes turns in L1 has one order", "[order]") {
  // With 64 KiB the last layer's columns come in tiles that once followed what stood beside them.
  const auto training = make_training_graph(make_network("deep_ae", {}, 24), 0.01);
  const auto platform = platform_for(TrainConfig::Precision::kFp32, true, 64, 8);
  const OrderReport found = compare_orders(training, platform, TrainConfig::Precision::kFp32, 3, 1);
  CHECK(found.differences == "");
  CHECK(found.programs > 8);
}

}  // namespace
}  // namespace etude::test
