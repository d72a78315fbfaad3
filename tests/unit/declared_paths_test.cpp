// SPDX-License-Identifier: Apache-2.0
#include "sim/config/declared_paths.h"

#include <catch2/catch.hpp>

#include "sim/config/declarations.h"

namespace etude {
namespace {

const ParameterTable& parameters() {
  static const ParameterTable table = [] {
    ParameterTable all;
    for (const auto declare :
         {declare_platform, declare_workload, declare_train, declare_schedule, declare_tiling}) {
      declare(all);
    }
    return all;
  }();
  return table;
}

TEST_CASE("every declared path names its own parameter, and what is above it is a section",
          "[config]") {
  const ParameterTable& table = parameters();
  const DeclaredPaths paths(table);
  for (const Parameter& p : table) {
    INFO(p.path);
    std::string pointer = p.path;
    if (const auto star = pointer.find('*'); star != std::string::npos) {
      pointer.replace(star, 1, "anything");
    }
    CHECK(paths.at(pointer) == &p);
    CHECK_FALSE(paths.is_section(pointer));
    CHECK(paths.at(pointer + "/more") == nullptr);
    for (auto end = pointer.rfind('/'); end != std::string::npos;
         end = end == 0 ? std::string::npos : pointer.rfind('/', end - 1)) {
      CHECK(paths.is_section(pointer.substr(0, end)));
      CHECK(paths.at(pointer.substr(0, end)) == nullptr);
    }
  }
}

TEST_CASE("what nobody declared is neither a parameter nor a section", "[config]") {
  const DeclaredPaths paths(parameters());
  for (const std::string pointer :
       {"/platfor", "/platform/cluster/core", "/platform/cluster/cores/x", "/tiling/operators/a/b",
        "/tiling/operator", "/a"}) {
    INFO(pointer);
    CHECK(paths.at(pointer) == nullptr);
    CHECK_FALSE(paths.is_section(pointer));
  }
  CHECK(paths.is_section("/tiling/operators/a"));
  CHECK(paths.is_section(""));
}

}  // namespace
}  // namespace etude
