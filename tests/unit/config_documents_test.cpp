// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/config/documents.h"
#include "sim/config/json_file.h"
#include "tests/support/shared_data.h"

using namespace etude;

// When one of these fails: build/etude-sim config write configs
TEST_CASE("the committed documents are those of the declarations", "[config]") {
  const auto configs = test::source_dir() / "configs";
  CHECK(read_whole_file(configs / "README.md", "") == config_readme());
  for (const auto& [name, text] : config_schemas()) {
    INFO(name);
    CHECK(read_whole_file(configs / "schema" / name, "") == text);
  }
}
