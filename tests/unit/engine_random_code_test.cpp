// SPDX-License-Identifier: Apache-2.0
// Random code behind the instruction cache on 1 to 9 cores: both engines end in the same cycle,
// with the same memory and the same account. ETUDE_RANDOM_CODE="FIRST COUNT" runs other seeds.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "tests/support/in_child.h"
#include "tests/support/random_run.h"

using namespace etude;
using namespace etude::test;

namespace {

std::vector<std::uint64_t> account(const RandomRun& run, bool lockstep) {
  return in_child([&run, lockstep] {
    EngineOptions options;
    options.lockstep = lockstep;
    return account_of(run, options);
  });
}

}  // namespace

TEST_CASE("lockstep and fast engine are equal on random code behind the instruction cache",
          "[core][engine]") {
  unsigned first = 1;
  unsigned count = 300;
  const char* wanted = std::getenv("ETUDE_RANDOM_CODE");
  if (wanted != nullptr) {
    std::istringstream(wanted) >> first >> count;
  }
  for (unsigned seed = first; seed < first + count; ++seed) {
    const RandomRun c = random_run(seed);
    CAPTURE(seed, c.code.harts, c.code.groups, c.code.passes, c.code.base);
    const auto fast = account(c, false);
    CHECK(fast[2] == 0);
    if (wanted != nullptr) {
      CHECK(fast == account(c, true));
    } else {
      REQUIRE(fast == account(c, true));
    }
  }
}
