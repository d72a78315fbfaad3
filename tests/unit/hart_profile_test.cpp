// SPDX-License-Identifier: Apache-2.0
// Where the cycles of a hart are charged: against the times of a retire hook, which knows nothing
// of the profile, and against the run's own account.
#include "sim/profile/hart_profile.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/core_bench.h"
#include "tests/support/in_child.h"
#include "tests/support/random_program.h"
#include "tests/support/random_run.h"

using namespace etude;
using namespace etude::test;

namespace {

const std::string kIsa = "rv32imc_zfinx_zicsr_zifencei_xcvmem_xcvhwlp";

using ByPc = std::map<std::uint32_t, Cost>;

const ProgramMap& no_map() {
  static const ProgramMap map(ElfFile{}, "/nowhere");
  return map;
}

/// What each instruction took by its own times: from where the one before left EX to where it does.
struct Watch {
  ByPc cost;
  std::uint64_t left{0};
  std::array<std::uint64_t, kStallReasons> stalls{};
  const HartProfile* profile{nullptr};
};

void on_retired(void* context, const Core& core, const Retired& retired) {
  Watch& watch = *static_cast<Watch*>(context);
  Cost& cost = watch.cost[retired.pc];
  cost.busy += 1;
  std::uint64_t waited = 0;
  for (unsigned r = 0; r < kStallReasons; ++r) {
    const std::uint64_t now = core.stall_cycles(static_cast<StallReason>(r));
    cost.stalls[r] += now - watch.stalls[r];
    waited += now - watch.stalls[r];
    watch.stalls[r] = now;
  }
  CHECK(retired.leave.raw() - watch.left == waited + 1);
  watch.left = retired.leave.raw();
}

struct Setting {
  unsigned most_wait, most_latency, memory_latency;
};

void drive(CoreBench& bench, const std::vector<std::uint8_t>& program, unsigned seed,
           const Setting& setting) {
  if (setting.memory_latency != 0) {
    bench.use_icache(setting.memory_latency);
  }
  bench.load(0x80, program);
  auto random = std::make_shared<std::mt19937>(seed);
  bench.grant_delay = [random, setting](const DataAccess&) {
    return static_cast<unsigned>((*random)() % (setting.most_wait + 1));
  };
  bench.latency = [random, setting](const DataAccess&) {
    return 1u + static_cast<unsigned>((*random)() % setting.most_latency);
  };
  bench.run(10'000'000, false);
  REQUIRE(bench.exit_status() == 0u);
}

ByPc costs(const HartProfile& profile) {
  ByPc out;
  profile.for_each([&out](std::uint32_t pc, const Cost& cost) { out[pc] += cost; });
  return out;
}

}  // namespace

TEST_CASE("each instruction is charged its own cycle and what it waited, by reason", "[profile]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto program = random_program(random, 150, 8);
    const Setting setting{seed % 4, seed % 5 == 0 ? 6u : 1u, seed % 3 == 0 ? 1 + seed % 20 : 0};
    CoreConfig config;
    config.addmul_latency = seed % 3;
    CAPTURE(seed, setting.most_wait, setting.most_latency, setting.memory_latency);

    Watch watch;
    CoreBench watched(kIsa, config);
    watched.core().set_retire_hook(on_retired, &watch);
    drive(watched, program, seed, setting);

    HartProfile profile(no_map());
    CoreBench bench(kIsa, config);  // takes its short cuts
    bench.core().set_observer(&profile);
    drive(bench, program, seed, setting);
    profile.booked(bench.core());
    profile.ended(bench.core());

    ByPc charged = costs(profile);
    REQUIRE(charged.size() == watch.cost.size());
    for (const auto& [pc, cost] : watch.cost) {
      CAPTURE(pc);
      REQUIRE(charged[pc].busy == cost.busy);
      REQUIRE(charged[pc].stalls == cost.stalls);
    }
    CHECK(profile.clock() == watch.left);
  }
}

// Of every hart: cycles that are charged to instructions, functions of chains, and the run's own.
TEST_CASE("instructions and chains of calls add up to the cycles of each hart", "[profile]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const RandomRun run = random_run(seed);
    CAPTURE(seed, run.code.harts);
    const auto wrong = in_child([&run, seed] {
      Platform platform("soc", run.platform);
      std::vector<std::unique_ptr<HartProfile>> profiles;
      EngineOptions options;
      options.lockstep = seed % 4 == 0;
      for (unsigned h = 0; h < run.code.harts; ++h) {
        profiles.push_back(std::make_unique<HartProfile>(no_map()));
        profiles.back()->keep_spans();
        options.observers.push_back(profiles.back().get());
      }
      const RunRecord record = run_of(run, platform, options);
      std::vector<std::uint64_t> differences(3);
      for (unsigned h = 0; h < run.code.harts; ++h) {
        const HartProfile& profile = *profiles[h];
        Cost sum;
        profile.for_each([&sum](std::uint32_t, const Cost& cost) { sum += cost; });
        std::uint64_t chains = 0;
        for (const HartProfile::Node& node : profile.nodes()) {
          chains += node.cycles;
        }
        differences[0] += sum.cycles() != record.cycles.raw() || chains != record.cycles.raw();
        for (unsigned r = 0; r < kStallReasons; ++r) {
          const auto& stalls = record.units[h].stalls;
          const auto found = stalls.find(stall_name(static_cast<StallReason>(r)));
          differences[1] += sum.stalls[r] != (found == stalls.end() ? 0 : found->second);
        }
        // Spans of one depth follow each other, and each lies in one of the depth above.
        for (const HartProfile::Span& inner : profile.spans()) {
          bool held = inner.depth <= 1;
          for (const HartProfile::Span& outer : profile.spans()) {
            held = held || (outer.depth + 1 == inner.depth && outer.begin <= inner.begin &&
                            inner.end <= outer.end);
            differences[2] += &outer != &inner && outer.depth == inner.depth &&
                              outer.begin < inner.end && inner.begin < outer.end;
          }
          differences[2] += held ? 0 : 1;
        }
      }
      return differences;
    });
    REQUIRE(wrong == std::vector<std::uint64_t>{0, 0, 0});
  }
}
