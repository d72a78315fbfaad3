// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <type_traits>

#include "models/base/types.h"

using namespace etude::literals;

TEST_CASE("quantities of one unit add and compare, of two units do not mix", "[base]") {
  CHECK((3_cy + 4_cy).raw() == 7);
  CHECK(3_cy < 4_cy);
  CHECK((2_KiB).raw() == 2048);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<etude::Bytes, etude::Cycle>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, etude::Cycle>);
}
