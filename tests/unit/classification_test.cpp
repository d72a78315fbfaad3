// SPDX-License-Identifier: Apache-2.0
#include "run/execute/classification.h"

#include <catch2/catch.hpp>

using namespace etude;

TEST_CASE("the largest logit counts, of equal ones the first", "[inference]") {
  const std::vector<float> logits{1, 3, 2, /**/ 5, 5, 0, /**/ -3, -2, -1};
  CHECK(run::count_correct(logits, {1, 0, 2}) == 3);
  CHECK(run::count_correct(logits, {1, 1, 2}) == 2);
  CHECK(run::count_correct(logits, {0, 2, 0}) == 0);
  CHECK(run::count_correct({}, {}) == 0);
}
