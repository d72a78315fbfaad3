// SPDX-License-Identifier: Apache-2.0
#include "tests/support/skip.h"

#define CATCH_CONFIG_EXTERNAL_INTERFACES  // listeners
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <set>

#include "tests/support/toolchain.h"

namespace etude::test {
namespace {

/// What ran and what was skipped. One suite is one process; Catch's listener, which Catch itself
/// constructs, and skip() meet here.
struct Count {
  std::string running;
  unsigned cases = 0;
  std::set<std::string> skipped;
};

Count& count() {
  static Count instance;
  return instance;
}

class SkipListener : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    count().running = info.name;
    ++count().cases;
  }

  void testRunEnded(const Catch::TestRunStats&) override {
    if (!count().skipped.empty()) {
      std::cerr << count().skipped.size() << " of " << count().cases << " test cases skipped\n";
    }
  }
};

CATCH_REGISTER_LISTENER(SkipListener)

}  // namespace

void skip(const std::string& reason) {
  std::cerr << "skipped: " << count().running << ": " << reason << "\n";
  count().skipped.insert(count().running);
  throw Catch::TestFailureException();  // ends the case; what failed was reported before, or
                                        // nothing
}

void need_program(const std::string& program) {
  if (capture("command -v " + program, false).empty()) {
    skip("needs " + program + " (scripts/setup.sh --tests)");
  }
}

int suite_status(int failed) {
  if (failed != 0) {
    return failed == kSkipped ? 1 : failed;
  }
  return count().cases > 0 && count().skipped.size() == count().cases ? kSkipped : 0;
}

}  // namespace etude::test
