// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "models/interco/hci.h"

using namespace etude;

namespace {

// `ports` masters make `accesses` accesses each, one after the other without pause; returns the
// cycles until all are granted, and the wait cycles of all together.
std::pair<int, int> run(unsigned ports, int accesses,
                        const std::function<unsigned(unsigned, int)>& bank) {
  Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{ports + 8, 16, 9});
  std::vector<int> done(ports);
  int cycles = 0;
  int waits = 0;
  for (;; ++cycles) {
    HciRequests r;
    for (unsigned i = 0; i < ports; ++i) {
      if (done[i] < accesses) {
        r.mask |= 1u << i;
        r.bank[i] = static_cast<std::uint8_t>(bank(i, done[i]) % 16);
      }
    }
    if (r.mask == 0) {
      return {cycles, waits};
    }
    const HciGrants g = hci.arbitrate(r);
    for (unsigned i = 0; i < ports; ++i) {
      done[i] += static_cast<int>(g.mask >> i & 1);
      waits += static_cast<int>((r.mask & ~g.mask) >> i & 1);
    }
  }
}

}  // namespace

TEST_CASE("eight masters on one word: one grant per cycle", "[hci]") {
  // 8 masters * 512 accesses / 1 bank = 4096 cycles.
  CHECK(run(8, 512, [](unsigned, int) { return 0u; }).first == 4096);
}

TEST_CASE("eight masters on their own banks lose nothing", "[hci]") {
  const auto [cycles, waits] = run(8, 512, [](unsigned i, int) { return i; });
  CHECK(cycles == 512);
  CHECK(waits == 0);
}

TEST_CASE("nine core ports share one bank evenly", "[hci]") {
  // 9 masters * 100 accesses / 1 bank = 900 cycles, five tree levels.
  CHECK(run(9, 100, [](unsigned, int) { return 3u; }).first == 900);
}

TEST_CASE("strides from one start bank serve as many masters as they touch banks", "[hci]") {
  // In the steady state stride 8 uses 2 banks, so 8 * 512 / 2 = 2048 cycles; 4 banks for stride 4:
  // 1024; the masters fall apart in the first accesses, hence up to 7 cycles more.
  const auto with_stride = [](unsigned stride) {
    return run(8, 512, [stride](unsigned, int n) { return stride * static_cast<unsigned>(n); })
        .first;
  };
  CHECK(with_stride(16) == 4096);
  CHECK(with_stride(8) >= 2048);
  CHECK(with_stride(8) <= 2048 + 7);
  CHECK(with_stride(4) >= 1024);
  CHECK(with_stride(4) <= 1024 + 7);
}

TEST_CASE("constant requests of ports 2 and 3 are served 2, 2, 3, 2, 3", "[hci]") {
  // From reset rr = 0: the tree prefers left at bit 0: 2; next requester above 0 is 2. rr = 2 =
  // 0b10: bit 0 is 0, so 2 again; next above 2 is 3. rr = 3: bit 0 is 1: 3; next above 3 wraps to
  // 2; ...
  Hci hci(sc_core::sc_gen_unique_name("hci"), HciConfig{}, HciShape{});
  HciRequests r;
  r.mask = 0b1100;
  for (const unsigned port : {2u, 2u, 3u, 2u, 3u}) {
    CHECK(hci.arbitrate(r).mask == 1u << port);
  }
}

TEST_CASE("with both sides saturated the low side gets one cycle in max_stall + 1", "[hci]") {
  // 900 cycles, max_stall 8: 900 / 9 = 100 for the low side, 800 for the high side.
  for (const bool invert : {false, true}) {
    HciConfig config;
    config.max_stall = 8;
    config.priority = invert ? HciConfig::Priority::kAccelerator : HciConfig::Priority::kCores;
    Hci hci(sc_core::sc_gen_unique_name("hci"), config, HciShape{});
    int log = 0;
    int wide = 0;
    HciRequests r;
    r.mask = 1;
    r.wide = true;
    for (int i = 0; i < 900; ++i) {
      const HciGrants g = hci.arbitrate(r);
      log += static_cast<int>(g.mask);
      wide += g.wide ? 1 : 0;
    }
    CHECK(log == (invert ? 100 : 800));
    CHECK(wide == (invert ? 800 : 100));
  }
}
