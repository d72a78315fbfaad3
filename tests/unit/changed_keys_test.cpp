// SPDX-License-Identifier: Apache-2.0
#include "sim/config/changed_keys.h"

#include <catch2/catch.hpp>

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

TEST_CASE("a configuration of defaults changes nothing", "[config]") {
  CHECK(changed_keys(RootConfig{}).empty());
}

TEST_CASE("what is not the default is told with both values", "[config]") {
  RootConfig config;
  config.train.rank = RootConfig{}.train.rank + 3;
  config.platform.cluster.tcdm.banks = 32;
  config.energy.name = "mine";
  const Json changed = changed_keys(config);
  REQUIRE(changed.size() == 3);
  CHECK(changed[0] ==
        Json{{"key", "/platform/cluster/tcdm/banks"}, {"value", 32}, {"default", 16}});
  CHECK(changed[1]["key"] == "/train/rank");
  CHECK(changed[1]["value"].get<int>() == changed[1]["default"].get<int>() + 3);
  CHECK(changed[2]["key"] == "/energy/name");
}

}  // namespace
}  // namespace etude
