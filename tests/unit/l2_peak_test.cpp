// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l2_peak.h"

#include <catch2/catch.hpp>

namespace etude::run {
namespace {

using namespace etude::literals;

TEST_CASE("a run may touch L2 up to the plan's end, not a byte beyond") {
  CHECK(within_plan(100_B, 100_B) == 100_B);
  CHECK(within_plan(40_B, 100_B) == 40_B);
  CHECK_THROWS_WITH(within_plan(101_B, 100_B),
                    Catch::Contains("up to byte 101") && Catch::Contains("ends at 100"));
}

}  // namespace
}  // namespace etude::run
