// SPDX-License-Identifier: Apache-2.0
#include "run/execute/work_queue.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace etude::run;

TEST_CASE("work is done in the order in which it was posted, by one thread", "[check]") {
  WorkQueue queue(1000);
  std::vector<int> done;
  for (int i = 0; i < 500; ++i) {
    queue.post([&done, i] { done.push_back(i); }, 400);  // two pieces at once, at most
  }
  queue.finish();
  std::vector<int> wanted(500);
  std::iota(wanted.begin(), wanted.end(), 0);
  CHECK(done == wanted);
  queue.post([&done] { done.clear(); }, 5000);  // more than there may be: alone
  queue.finish();
  CHECK(done.empty());
}

TEST_CASE("what work throws comes out of finish(), and no later work is done", "[check]") {
  WorkQueue queue;
  int done = 0;
  queue.post([&done] { ++done; });
  queue.post([] { throw std::runtime_error("odd"); });
  for (int i = 0; i < 3; ++i) {
    queue.post([&done] { ++done; });
  }
  CHECK_THROWS_WITH(queue.finish(), "odd");
  CHECK(done == 1);
}

TEST_CASE("a queue that goes drops what is not begun", "[check]") {
  int done = 0;
  {
    WorkQueue queue;
    queue.post([&done] { ++done; });
    queue.finish();
  }
  CHECK(done == 1);
}
