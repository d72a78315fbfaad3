// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_database.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/temp_folder.h"

namespace etude::run {
namespace {

LoneCosts costs(double alone) {
  return {alone, alone + 5, alone / 2, {{"tcdm.reads", 7}}, {{"busy", 9}}, {{"l2.reads", 3}}, {}};
}

TEST_CASE("what was written is found again, for its hardware alone", "[model]") {
  const test::TempFolder folder;
  const auto file = folder.path() / "deep" / "model.sqlite";
  LoneDatabase(file).add("a", {{"kernel 1", costs(10.25)}});
  LoneDatabase database(file);
  const LoneDatabase::Rows rows = database.find("a", {"kernel 1", "kernel 2"});
  REQUIRE(rows.size() == 1);
  const LoneCosts& found = rows.at("kernel 1");
  CHECK(found.alone == 10.25);
  CHECK(found.cold == 15.25);
  CHECK(found.behind == 5.125);
  CHECK(found.counters == costs(0).counters);
  CHECK(found.stalls == costs(0).stalls);
  CHECK(found.cold_counters == costs(0).cold_counters);
  CHECK(database.find("b", {"kernel 1"}).empty());
}

TEST_CASE("several processes write one database", "[model]") {
  const test::TempFolder folder;
  const auto file = folder.path() / "model.sqlite";
  constexpr int kWriters = 4, kRows = 25;
  for (int w = 0; w < kWriters; ++w) {
    if (fork() == 0) {
      int status = 0;
      try {
        LoneDatabase database(file);
        for (int i = 0; i < kRows; ++i) {  // half of the rows are others', too
          database.add("a", {{"own " + std::to_string(w) + " " + std::to_string(i), costs(i)},
                             {"common " + std::to_string(i), costs(i)}});
        }
      } catch (...) {
        status = 1;
      }
      _exit(status);
    }
  }
  for (int w = 0; w < kWriters; ++w) {
    int status = 1;
    REQUIRE(wait(&status) > 0);
    CHECK(status == 0);
  }
  CHECK(LoneDatabase(file).size() == kWriters * kRows + kRows);
}

TEST_CASE("databases are merged; a row stays as it was", "[model]") {
  const test::TempFolder folder;
  LoneDatabase one(folder.path() / "one.sqlite");
  one.add("a", {{"x", costs(1)}});
  LoneDatabase(folder.path() / "two.sqlite").add("a", {{"x", costs(2)}, {"y", costs(3)}});
  one.merge(folder.path() / "two.sqlite");
  CHECK(one.size() == 2);
  CHECK(one.find("a", {"x"}).at("x").alone == 1);
  CHECK_THROWS_AS(one.merge(folder.path() / "none.sqlite"), UserError);
}

TEST_CASE("a file that is no database is refused by its name", "[model]") {
  const test::TempFolder folder;
  const auto file = folder.path() / "model.sqlite";
  std::ofstream(file) << std::string(4096, 'x');
  CHECK_THROWS_WITH(LoneDatabase(file), Catch::Contains("model.sqlite"));
}

}  // namespace
}  // namespace etude::run
