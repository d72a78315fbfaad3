// SPDX-License-Identifier: Apache-2.0
// Dependences against definitions that look at everything.
#include "compiler/order/order.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "compiler/order/controller_model.h"
#include "tests/support/timed_ops.h"

namespace etude::compiler {
namespace {

using test::list;
using test::TimedOps;
using List = TimedOps::List;

PlanOp with(std::vector<Access> accesses) {
  PlanOp op;
  op.what = KernelCall{};
  op.accesses = std::move(accesses);
  return op;
}

Access l1(bool write, std::uint32_t address, std::uint32_t bytes) {
  return {write, Access::Space::kL1, 0, address, 1, bytes, bytes};
}

/// Reads and writes of up to 3 pieces in up to 3 spaces: dense, strided, interleaved columns of one
/// matrix, rows of unequal pitch.
std::vector<PlanOp> random_ops(std::mt19937& random, std::uint32_t count, std::uint32_t range) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<PlanOp> ops;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::vector<Access> accesses;
    for (std::uint32_t k = 1 + below(3); k > 0; --k) {
      Access a;
      a.write = below(3) == 0;
      a.space = static_cast<Access::Space>(below(3));
      a.address = 0x10000000 + 4 * below(range / 4);
      a.rows = below(2) == 0 ? 1 : 1 + below(6);
      a.row_bytes = 4 * (1 + below(8));
      a.pitch = below(4) == 0 ? a.row_bytes : std::array{32u, 32u, 48u}[below(3)];
      a.pitch = std::max(a.pitch, a.row_bytes);
      accesses.push_back(a);
    }
    ops.push_back(with(std::move(accesses)));
  }
  return ops;
}

/// The definition, by a list of everything that was touched.
std::vector<List> listed_dependences(const std::vector<PlanOp>& ops) {
  struct Earlier {
    std::uint32_t op;
    Access access;
  };
  std::vector<Earlier> seen;
  std::vector<List> dependences;
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    std::set<std::uint32_t> mine;
    for (const Access& access : ops[i].accesses) {
      for (const Earlier& other : seen) {
        if ((access.write || other.access.write) && overlaps(access, other.access)) {
          mine.insert(other.op);
        }
      }
    }
    for (const Access& access : ops[i].accesses) {
      if (access.write && (access.rows == 1 || access.row_bytes == access.pitch)) {
        std::erase_if(seen, [&](const Earlier& other) {
          return other.access.space == access.space && other.access.address >= access.address &&
                 other.access.end() <= access.end();
        });
      }
    }
    for (const Access& access : ops[i].accesses) {
      seen.push_back({i, access});
    }
    dependences.emplace_back(mine.begin(), mine.end());
  }
  return dependences;
}

std::set<std::uint64_t> bytes_of(const PlanOp& op, bool writes_only) {
  std::set<std::uint64_t> bytes;
  for (const Access& a : op.accesses) {
    for (std::uint32_t r = 0; r < a.rows && (a.write || !writes_only); ++r) {
      for (std::uint32_t b = 0; b < a.row_bytes; ++b) {
        bytes.insert((std::uint64_t{static_cast<unsigned>(a.space)} << 32) + a.address +
                     r * a.pitch + b);
      }
    }
  }
  return bytes;
}

bool meet(const std::set<std::uint64_t>& a, const std::set<std::uint64_t>& b) {
  return std::ranges::any_of(a, [&](std::uint64_t byte) { return b.contains(byte); });
}

/// Whether chains of dependences lead from `before` to each operation.
template <class Lists>
std::vector<std::vector<bool>> chains(const Lists& dependences, std::size_t count) {
  std::vector<std::vector<bool>> from(count, std::vector<bool>(count, false));
  for (std::uint32_t op = 0; op < count; ++op) {
    for (const std::uint32_t before : dependences[op]) {
      from[op][before] = true;
      for (std::uint32_t first = 0; first < before; ++first) {
        from[op][first] = from[op][first] || from[before][first];
      }
    }
  }
  return from;
}

TEST_CASE("dependences by address are those of the list, whatever the sizes") {
  std::mt19937 random(1);
  for (const std::uint32_t range : {64u, 512u, 4096u, 65536u}) {
    for (int turn = 0; turn < 20; ++turn) {
      auto ops = random_ops(random, 80, range);
      ops.push_back(with({l1(true, 0x10000000, range)}));  // a long one among short ones
      ops.push_back(with({l1(false, 0x10000000 + range / 2, 4)}));
      const auto expected = listed_dependences(ops);
      const auto found = find_dependences(ops);
      REQUIRE(found.size() == ops.size());
      for (std::uint32_t i = 0; i < ops.size(); ++i) {
        REQUIRE(list(found[i]) == expected[i]);
      }
    }
  }
}

TEST_CASE("two operations that share a byte that one writes are ordered by a chain") {
  std::mt19937 random(2);
  for (int turn = 0; turn < 10; ++turn) {
    const auto ops = random_ops(random, 60, 400);
    const auto ordered = chains(find_dependences(ops), ops.size());
    for (std::uint32_t i = 0; i < ops.size(); ++i) {
      for (std::uint32_t j = 0; j < i; ++j) {
        const bool conflict = meet(bytes_of(ops[i], true), bytes_of(ops[j], false)) ||
                              meet(bytes_of(ops[j], true), bytes_of(ops[i], false));
        REQUIRE((!conflict || ordered[i][j]));
      }
    }
  }
}

/// The same on all queues of a step.
std::vector<PlanOp> random_step(std::mt19937& random, std::uint32_t count, std::uint32_t range) {
  auto ops = random_ops(random, count, range);
  for (PlanOp& op : ops) {
    switch (random() % 6) {
      case 0:
        op.what = MatrixJob{};
        break;
      case 1:
      case 2:
        op.what = Transfer{};
        break;
      case 3:
        op.what = Transfer{};
        std::get<Transfer>(op.what).to_l1 = false;
        break;
      default:
        break;
    }
  }
  return ops;
}

TEST_CASE("the needed dependences are those that the graph keeps of all") {
  std::mt19937 random(5);
  for (const std::uint32_t range : {64u, 512u, 4096u, 65536u}) {
    for (int turn = 0; turn < 5; ++turn) {
      const auto ops = random_step(random, 800, range);
      const auto all = find_dependences(ops);
      const StepGraph kept(ops, all);
      const auto needed = find_needed_dependences(ops);
      CHECK(needed.pairs() < all.pairs());
      for (std::uint32_t op = 0; op < ops.size(); ++op) {
        List expected = list(kept.foreign(op));
        std::ranges::copy(kept.own(op), std::back_inserter(expected));
        std::ranges::sort(expected);
        REQUIRE(list(needed[op]) == expected);
      }
    }
  }
}

TEST_CASE("chains of the needed dependences order every conflict, however far apart") {
  std::mt19937 random(6);
  for (const std::uint32_t range : {512u, 4096u, 32768u}) {
    const auto ops = random_step(random, 5000, range);
    const auto needed = find_needed_dependences(ops);
    const auto ordered = chains(needed, ops.size());
    std::map<std::uint64_t, std::vector<std::pair<std::uint32_t, bool>>> touched;  // by byte
    for (std::uint32_t op = 0; op < ops.size(); ++op) {
      for (const bool writes : {true, false}) {
        for (const std::uint64_t byte : bytes_of(ops[op], writes)) {
          if (byte % 4 == 0) {  // all pieces are whole words
            touched[byte].push_back({op, writes});
          }
        }
      }
    }
    bool complete = true;
    std::size_t far = 0;
    for (const auto& [byte, ops_of_byte] : touched) {
      for (const auto& [late, late_writes] : ops_of_byte) {
        for (const auto& [early, early_writes] : ops_of_byte) {
          if (early < late && (early_writes || late_writes)) {
            complete = complete && ordered[late][early];
            far += late - early > 4096 ? 1 : 0;
          }
        }
      }
    }
    CHECK(complete);
    CHECK(far > 0);
  }
}

TEST_CASE("an access of no bytes waits for nothing and hides nothing") {
  Access none = l1(true, 100, 0);
  const std::vector<PlanOp> ops{with({l1(true, 90, 20)}), with({none}), with({l1(false, 96, 8)})};
  const auto found = find_dependences(ops);
  CHECK(list(found[1]) == List{});
  CHECK(list(found[2]) == List{0});
}

TEST_CASE("what a chain implies is not a dependence of the graph") {
  TimedOps ops;
  const auto load = ops.load(1);                         // 0
  const auto kernel = ops.kernel(1, {load});             // 1
  const auto next = ops.kernel(1, {load, kernel});       // 2: load by way of 1
  const auto job = ops.job(1, {load, kernel, next});     // 3: by way of 2
  const auto store = ops.store(1, {kernel, next, job});  // 4: by way of 3
  const StepGraph graph = ops.graph();
  CHECK(list(graph.foreign(kernel)) == List{load});
  CHECK(list(graph.own(next)) == List{kernel});
  CHECK(list(graph.foreign(next)) == List{});
  CHECK(list(graph.foreign(job)) == List{next});
  CHECK(list(graph.foreign(store)) == List{job});
  CHECK(graph.waits(store) == 1);
  CHECK(list(graph.dependants(load)) == List{kernel});
  CHECK(list(graph.dependants(kernel)) == List{next});
}

TEST_CASE("chains from several sides add up") {
  TimedOps ops;
  const auto load = ops.load(1), page = ops.page(1);
  const auto kernel = ops.kernel(1, {load});
  const auto job = ops.job(1, {load, page, kernel});  // load by way of the kernel
  CHECK(list(ops.graph().foreign(job)) == List{page, kernel});
}

TEST_CASE("a transfer keeps what its own queue alone implies") {
  TimedOps ops;
  const auto kernel = ops.kernel(1);
  const auto first = ops.load(1, {kernel});
  const auto second = ops.load(1, {kernel, first});  // may be posted before the first is over
  const StepGraph graph = ops.graph();
  CHECK(list(graph.foreign(second)) == List{kernel});
  CHECK(list(graph.own(second)) == List{first});
}

TEST_CASE("the graph orders what the dependences order, also over thousands of operations") {
  std::mt19937 random(3);
  for (const std::uint32_t count : {100u, 700u, 5000u}) {
    TimedOps ops;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::set<std::uint32_t> before;
      for (int k = 0; k < 6 && i > 0; ++k) {
        const std::uint32_t back = random() % 40 == 0 ? i : std::min<std::uint32_t>(i, 30);
        before.insert(i - 1 - static_cast<std::uint32_t>(random() % back));
      }
      const List waits(before.begin(), before.end());
      switch (random() % 5) {
        case 0:
          ops.load(1, waits);
          break;
        case 1:
          ops.store(1, waits);
          break;
        case 2:
          ops.job(1, waits);
          break;
        default:
          ops.kernel(1, waits);
      }
    }
    const StepGraph graph = ops.graph();
    std::vector<List> kept;
    std::size_t pairs = 0;
    for (std::uint32_t op = 0; op < count; ++op) {
      kept.push_back(list(graph.foreign(op)));
      std::ranges::copy(graph.own(op), std::back_inserter(kept.back()));
      pairs += kept.back().size();
      for (const std::uint32_t before : graph.foreign(op)) {
        REQUIRE(graph.queue(before) != graph.queue(op));
      }
    }
    CHECK(pairs < ops.dependences().pairs());
    if (count <= 700) {  // the window holds them all: nothing is left out, nothing added
      REQUIRE(chains(kept, count) == chains(ops.dependences(), count));
    } else {
      const auto now = chains(kept, count);
      for (std::uint32_t op = 0; op < count; ++op) {
        for (const std::uint32_t before : ops.dependences()[op]) {
          REQUIRE(now[op][before]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace etude::compiler
