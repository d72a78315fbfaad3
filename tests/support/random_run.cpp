// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_run.h"

#include <cstdio>
#include <numeric>

#include "sim/config/load.h"
#include "tests/support/shared_data.h"

namespace etude::test {

RandomRun random_run(unsigned seed) {
  std::mt19937 random(seed);
  const auto pick = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  const unsigned cores = pick(3) == 0 ? 1 : pick(2) ? 2 + pick(3) : 5 + pick(5);
  std::vector<std::string> sets{"/platform/cluster/controller=false",
                                "/platform/cluster/cores=" + std::to_string(cores),
                                "/platform/cluster/fpu/addmul_latency=" + std::to_string(pick(3)),
                                "/platform/cluster/fpu/others_latency=" + std::to_string(pick(3))};
  sets.emplace_back("/platform/cluster/corev_cluster=true");
  sets.push_back("/platform/cluster/peripheral_latency=" + std::to_string(pick(5)));
  if (pick(4) == 0) {
    sets.emplace_back("/platform/cluster/fpu/private=false");
    sets.push_back("/platform/cluster/fpu/shared=" + std::to_string(1 + pick(4)));
  }
  if (pick(4) == 0) {
    sets.emplace_back("/platform/cluster/tcdm/banks=16");
  }
  if (pick(3) == 0) {
    sets.push_back("/platform/cluster/icache/private_sets=" + std::to_string(1u << pick(4)));
  }
  RandomCodeOptions code{};
  code.base = 0x1C000080u + 2 * pick(2200);
  code.groups = pick(3) ? 5 + pick(40) : 40 + pick(160);
  code.passes = 1 + pick(4);
  code.harts = cores;
  code.shared_data = pick(3) != 0;
  return {load_platform("platform/siracusa_redmule.json", sets), code, random_code(random, code)};
}

RunRecord run_of(const RandomRun& run, Platform& platform, EngineOptions options) {
  platform.write_memory(Address{run.code.base}, run.bytes);
  options.max_cycles = Cycle{400'000};
  options.account_of_failure = true;
  Engine engine("engine", platform, options);
  return engine.run(Address{run.code.base});
}

std::vector<std::uint64_t> account_of(const RandomRun& run, const EngineOptions& options) {
  Platform platform("soc", run.platform);
  const RunRecord record = run_of(run, platform, options);
  std::vector<std::uint64_t> out{record.cycles.raw(),
                                 static_cast<std::uint64_t>(record.exit_status),
                                 record.error.empty() ? 0u : 1u};
  if (!record.error.empty()) {
    std::fprintf(stderr, "%s\n", record.error.c_str());
  }
  for (const UnitRecord& unit : record.units) {
    out.push_back(unit.busy);
    for (const auto& [reason, cycles] : unit.stalls) {
      out.push_back(cycles);
    }
  }
  for (const auto& [name, value] : record.counters) {
    out.push_back(value);
  }
  const auto memory = platform.read_memory(Address{0x10000000}, Bytes{0x20000});
  out.push_back(std::accumulate(memory.begin(), memory.end(), std::uint64_t{1},
                                [](std::uint64_t sum, std::uint8_t b) { return sum * 31 + b; }));
  return out;
}

}  // namespace etude::test
