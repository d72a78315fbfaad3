// SPDX-License-Identifier: Apache-2.0
#include "run/execute/data_arrows.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

using namespace etude;
using namespace etude::run;

namespace {

using Pairs = std::set<std::pair<std::uint32_t, std::uint32_t>>;

/// Byte by byte: who wrote it last.
Pairs by_bytes(const std::vector<Operation>& operations) {
  std::map<std::uint32_t, std::uint32_t> writer;
  std::set<std::pair<std::uint32_t, TaskUnit>> drawn;
  Pairs found;
  const auto each = [](const Access& access, const auto& body) {
    for (std::uint32_t row = 0; row < access.rows; ++row) {
      for (std::uint32_t byte = 0; byte < access.row_bytes; ++byte) {
        body(access.address + row * access.pitch + byte);
      }
    }
  };
  for (std::uint32_t op = 0; op < operations.size(); ++op) {
    if (!operations[op].posted()) {
      continue;
    }
    const TaskUnit unit = operations[op].unit();
    for (const Access& access : operations[op].accesses) {
      if (!access.write) {
        each(access, [&](std::uint32_t byte) {
          const auto last = writer.find(byte);
          if (last != writer.end() && operations[last->second].unit() != unit &&
              drawn.emplace(last->second, unit).second) {
            found.emplace(last->second, op);
          }
        });
      }
    }
    for (const Access& access : operations[op].accesses) {
      if (access.write) {
        each(access, [&](std::uint32_t byte) { writer[byte] = op; });
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("arrows go from who wrote bytes to who reads them", "[trace]") {
  std::mt19937 random(11);
  const auto below = [&](unsigned n) { return static_cast<std::uint32_t>(random() % n); };
  std::size_t drawn = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<Operation> operations(2 + below(20));
    for (Operation& operation : operations) {
      switch (below(5)) {
        case 0:
          operation.what = KernelCall{};
          break;
        case 1:
          operation.what = MatrixJob{};
          break;
        case 2:
          operation.what = Transfer{};
          break;
        case 3:
          operation.what = PageTransfer{};
          break;
        default:
          operation.what = Wait{};
      }
      for (std::uint32_t i = below(4); i > 0; --i) {
        const std::uint32_t bytes = 1 + below(9);
        operation.accesses.push_back({below(2) == 0, Access::Space::kL1, 0, below(60), 1 + below(3),
                                      bytes, bytes + below(3) * below(8)});
      }
    }
    Pairs found;
    for (const DataArrow& arrow : data_arrows(operations)) {
      CHECK(found.emplace(arrow.from, arrow.to).second);
    }
    CHECK(found == by_bytes(operations));
    drawn += found.size();
  }
  CHECK(drawn > 500);
}
