// SPDX-License-Identifier: Apache-2.0
// What a suite's exit status says: CTest counts 4 as skipped, so that neither four failed checks
// nor a suite of which something ran may end with it. The hidden cases are run by the last one.
#include <catch2/catch.hpp>

#include "tests/support/program.h"
#include "tests/support/shared_data.h"
#include "tests/support/skip.h"

using namespace etude::test;

TEST_CASE("status: four checks fail", "[.status]") {
  for (int i = 0; i < 4; ++i) {
    CHECK(i < 0);
  }
}

TEST_CASE("status: a check fails before something is missing", "[.status]") {
  CHECK(false);
  skip("nothing that matters any more");
}

TEST_CASE("status: a program is missing", "[.status]") { need_program("etude-no-such-program"); }

TEST_CASE("status: a record is missing", "[.status]") {
  const int twice = GENERATE(1, 2);  // skipped once, however often it is entered
  CAPTURE(twice);
  shared_file("reference/no_such_record.csv");
}

TEST_CASE("status: all is there", "[.status]") {
  need_program("sh");
  CHECK(std::filesystem::exists(shared_file(".")));
}

TEST_CASE("a suite's exit status tells skipped, failed and passed apart") {
  const auto suite = [](const std::string& cases) {
    return run_program("unit_tests", "'" + cases + "'");
  };
  CHECK(suite("status: four checks fail").status == 1);
  CHECK(suite("status: a check fails before something is missing").status == 1);
  CHECK(suite("status: all is there").status == 0);

  const ProgramRun program = suite("status: a program is missing");
  CHECK(program.status == kSkipped);
  CHECK(program.text.find("skipped: status: a program is missing: needs etude-no-such-program") !=
        std::string::npos);
  const ProgramRun record = suite("status: a record is missing");
  CHECK(record.status == kSkipped);
  CHECK(record.text.find("needs shared/reference/no_such_record.csv") != std::string::npos);
  CHECK(record.text.find("1 of 1 test cases skipped") != std::string::npos);

  // Both cases named "... missing" and the one that passes: the suite passes, and counts two.
  const ProgramRun mixed = run_program(
      "unit_tests",
      "'status: a program is missing,status: a record is missing,status: all is there'");
  CHECK(mixed.status == 0);
  CHECK(mixed.text.find("2 of 3 test cases skipped") != std::string::npos);
  // One failure among skipped ones is a failure.
  CHECK(
      run_program("unit_tests", "'status: a program is missing,status: four checks fail'").status ==
      1);
}
