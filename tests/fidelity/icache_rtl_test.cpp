// SPDX-License-Identifier: Apache-2.0
// The instruction cache against its RTL: every fetch of reference/icache_rtl.csv without prefetch.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/icache/icache.h"
#include "tests/support/fixed_latency_port.h"
#include "tests/support/shared_data.h"
#include "tests/support/validation.h"

using etude::Cycle;

namespace {

struct Fetch {
  std::uint32_t address;
  std::uint64_t req, gnt, rvalid;
};

/// The fetch port of a core: one fetch outstanding; a hit frees the port in its answer's cycle, a
/// miss one cycle later.
struct Port {
  std::vector<Fetch> fetches;
  std::size_t next{0};
  std::uint64_t free{0};
  std::uint64_t granted{0};
  bool missing{false};
};

struct Result {
  std::size_t fetches{0};
  std::size_t equal{0};
};

Result replay(const std::vector<std::pair<unsigned, Fetch>>& rows, std::uint64_t latency, bool jump,
              unsigned id) {
  etude::test::FixedLatencyPort memory(latency);
  etude::Icache cache(("icache" + std::to_string(id)).c_str(), {}, 8, memory);
  std::vector<Port> ports(8);
  for (const auto& [core, fetch] : rows) {
    ports[core].fetches.push_back(fetch);
  }
  Result result;
  result.fetches = rows.size();
  std::size_t left = rows.size();
  for (std::uint64_t now = 0; left > 0 && now < 20000; ++now) {
    if (!jump || cache.next_activity() == Cycle{now}) {
      const std::uint32_t done = cache.step(Cycle{now});
      for (unsigned core = 0; core < 8; ++core) {
        if ((done >> core & 1u) != 0) {
          Port& port = ports[core];
          const Fetch& fetch = port.fetches[port.next];
          result.equal += fetch.gnt == port.granted && fetch.rvalid == now;
          port.missing = false;
          port.free = now + 1;
          ++port.next;
          --left;
        }
      }
    }
    for (unsigned core = 0; core < 8; ++core) {
      Port& port = ports[core];
      if (port.missing || port.next == port.fetches.size() || now < port.free ||
          now < port.fetches[port.next].req) {
        continue;
      }
      const Fetch& fetch = port.fetches[port.next];
      port.granted = now;
      if (cache.hit(core, fetch.address)) {
        result.equal += fetch.gnt == now && fetch.rvalid == now + 1;
        port.free = now + 1;
        ++port.next;
        --left;
      } else {
        cache.request(core, fetch.address, Cycle{now});
        port.missing = true;
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("icache: the fetches of the RTL's record", "[icache]") {
  const auto file = etude::test::shared_file("reference/icache_rtl.csv");
  std::map<std::pair<std::string, std::uint64_t>, std::vector<std::pair<unsigned, Fetch>>> runs;
  for (auto& row : etude::test::read_csv(file)) {
    if (row["scenario"].rfind("pf_", 0) != 0) {
      runs[{row["scenario"], std::stoull(row["L"])}].push_back(
          {static_cast<unsigned>(std::stoul(row["core"])),
           {static_cast<std::uint32_t>(std::stoul(row["addr"], nullptr, 16)),
            std::stoull(row["req"]), std::stoull(row["gnt"]), std::stoull(row["rvalid"])}});
    }
  }
  REQUIRE(runs.size() > 30);
  unsigned id = 0;
  etude::test::ValidationPoints points("icache", {"scenario", "L"});
  for (const bool jump : {false, true}) {
    Result total;
    for (const auto& [key, rows] : runs) {
      const Result result = replay(rows, key.second, jump, id++);
      if (jump) {
        points.add({key.first, std::to_string(key.second)}, key.first,
                   static_cast<double>(result.fetches), static_cast<double>(result.equal));
      }
      INFO(key.first << " L " << key.second);
      CHECK(result.equal == result.fetches);
      total.fetches += result.fetches;
      total.equal += result.equal;
    }
    CHECK(total.fetches >= 6600);
    CHECK(total.equal == total.fetches);
  }
}
