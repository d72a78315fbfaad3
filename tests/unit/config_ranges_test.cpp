// SPDX-License-Identifier: Apache-2.0
// A range is declared once, beside the config struct: what the configuration accepts the models
// build, and what lies beyond is refused with the key's path.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "sim/config/check.h"
#include "sim/config/load.h"
#include "sim/config/parameter.h"
#include "sim/platform/platform.h"

using namespace etude;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

using Sets = std::vector<std::string>;

/// What an end of a range needs beside it, because another rule binds the two.
Sets companions(const std::string& path, bool high) {
  const std::string cluster = "/platform/cluster/";
  if (path == cluster + "cores" && high) {
    return {cluster + "controller=false"};  // 16 harts together
  }
  if (path == cluster + "tcdm/banks" && !high) {
    return {cluster + "redmule/enabled=false"};  // its port is wider than one bank
  }
  if (path == cluster + "redmule/height" && high) {
    return {cluster + "redmule/pipe=1", cluster + "tcdm/banks=64"};  // 32 x 2 = 64 columns
  }
  if (path == cluster + "redmule/pipe" && high) {
    return {cluster + "redmule/height=3", cluster + "tcdm/banks=64"};  // 3 x 17 = 51 columns
  }
  if (path == "/platform/hyperram/access_ns" && high) {
    return {"/platform/hyperram/burst_cap_ns=1000000"};
  }
  if (path == "/platform/hyperram/bandwidth_mb_s" && !high) {
    return {"/platform/hyperram/burst_cap_ns=1000000"};  // 1 ms x 0.01 MB/s = 10 bytes
  }
  if (path == "/platform/hyperram/burst_cap_ns" && !high) {
    return {"/platform/hyperram/access_ns=0"};  // 10 ns x 333 MB/s = 3.33 bytes
  }
  if (path == cluster + "fpu/shared") {
    return {cluster + "fpu/private=false"};
  }
  if (path == cluster + "hci/window") {
    return {cluster + "hci/arbiter=window"};
  }
  return {};
}

bool has_ends(const Parameter& p) {
  return (p.kind == ParameterKind::kInteger || p.kind == ParameterKind::kNumber) &&
         p.path.rfind("/platform/", 0) == 0;
}

std::string set_text(const Parameter& p, double value) {
  return p.path + "=" +
         (p.kind == ParameterKind::kInteger ? Json(static_cast<std::int64_t>(value)) : Json(value))
             .dump();
}

PlatformConfig platform_with(const Parameter& p, double value, bool high) {
  Sets sets = companions(p.path, high);
  sets.push_back(set_text(p, value));
  return load_platform("platform/siracusa_redmule.json", sets);
}

}  // namespace

TEST_CASE("both ends of every range of the platform are built by the models", "[ranges]") {
  unsigned ends = 0;
  for (const Parameter& p : declare_parameters()) {
    if (!has_ends(p)) {
      continue;
    }
    INFO(p.path);
    REQUIRE(std::isfinite(p.text.range.max));
    CHECK_FALSE(p.text.range.above_min);
    for (const bool high : {false, true}) {
      const double value = high ? p.text.range.max : p.text.range.min;
      INFO(value);
      PlatformConfig config;
      CHECK_NOTHROW(config = platform_with(p, value, high));
      RootConfig root;
      root.platform = config;
      CHECK(p.get(root, "").get<double>() == value);  // the key is not ignored
      CHECK_NOTHROW(Platform("soc", config));
      ++ends;
    }
  }
  // cores, first hart, peripheral latency, clock, 3 of the FPU, 2 of TCDM and HCI each, 5 of the
  // cache, 3 of the DMA, 3 of RedMulE, 3 of L2, 5 of HyperRAM, 6 of flash: 36 parameters
  CHECK(ends == 2 * (4 + 3 + 2 + 2 + 5 + 3 + 3 + 3 + 5 + 6));
}

TEST_CASE("one beyond each end of every range of the platform is refused with its path",
          "[ranges]") {
  for (const Parameter& p : declare_parameters()) {
    if (!has_ends(p)) {
      continue;
    }
    const Range& range = p.text.range;
    const bool whole = p.kind == ParameterKind::kInteger;
    const double above = range.power_of_two ? range.max * 2
                         : whole            ? range.max + 1
                                            : std::nextafter(range.max, INFINITY);
    const double below = range.power_of_two && range.min > 1 ? range.min / 2
                         : whole                             ? range.min - 1
                                                             : std::nextafter(range.min, -INFINITY);
    for (const auto& [value, high] : {std::pair{below, false}, {above, true}}) {
      INFO(set_text(p, value));
      CHECK_THROWS_WITH(platform_with(p, value, high),
                        Contains(p.path) && Contains("out of range"));
    }
    if (range.power_of_two) {
      CHECK_THROWS_WITH(platform_with(p, range.max - 1, true), Contains("is no power of two"));
    }
  }
}

TEST_CASE("the models refuse by themselves what lies beyond", "[ranges]") {
  const auto refused = [](const std::function<void(PlatformConfig&)>& change,
                          const std::string& where) {
    PlatformConfig config;
    change(config);
    INFO(where);
    CHECK_THROWS_WITH(Platform("soc", config), StartsWith(where));
    CHECK_THROWS_AS(Platform("soc", config), UserError);
  };
  const std::string cluster = "/platform/cluster/";
  refused([](auto& c) { c.cluster.cores = 17; }, cluster + "cores");
  refused([](auto& c) { c.cluster.cores = 16; }, cluster + "cores: harts");  // and a controller
  refused([](auto& c) { c.cluster.cores = 0; }, cluster + "cores");
  refused([](auto& c) { c.cluster.clock_hz = 9e5; }, cluster + "clock_hz");
  refused([](auto& c) { c.cluster.core.addmul_latency = 3; }, cluster + "fpu/addmul_latency");
  refused([](auto& c) { c.cluster.core.others_latency = 3; }, cluster + "fpu/others_latency");
  refused([](auto& c) { c.cluster.core.shared_fpus = 0; }, cluster + "fpu/shared");
  refused([](auto& c) { c.cluster.tcdm.banks = 128; }, cluster + "tcdm/banks");
  refused([](auto& c) { c.cluster.tcdm.banks = 24; }, cluster + "tcdm/banks");
  refused([](auto& c) { c.cluster.tcdm.size = Bytes{512}; }, cluster + "tcdm/size");
  refused([](auto& c) { c.cluster.tcdm.size = Bytes{1025}; }, cluster + "tcdm/size");
  refused([](auto& c) { c.cluster.hci.window = 256; }, cluster + "hci/window");
  refused([](auto& c) { c.cluster.hci.max_stall = 256; }, cluster + "hci/max_stall");
  refused([](auto& c) { c.cluster.icache.private_ways = 128; }, cluster + "icache/private_ways");
  refused([](auto& c) { c.cluster.icache.private_sets = 3; }, cluster + "icache/private_sets");
  refused([](auto& c) { c.cluster.icache.shared_banks = 32; }, cluster + "icache/shared_banks");
  refused([](auto& c) { c.cluster.icache.shared_ways = 0; }, cluster + "icache/shared_ways");
  refused([](auto& c) { c.cluster.icache.shared_sets = 8192; }, cluster + "icache/shared_sets");
  refused([](auto& c) { c.cluster.dma.burst = Bytes{8}; }, cluster + "dma/burst");
  refused([](auto& c) { c.cluster.dma.outstanding = 9; }, cluster + "dma/outstanding");
  refused([](auto& c) { c.cluster.dma.queue = 17; }, cluster + "dma/queue");
  // of a shape whose port fits the banks, so that the array itself is asked
  const auto array = [](unsigned height, unsigned pipe) {
    return [=](PlatformConfig& c) {
      c.cluster.redmule.height = height;
      c.cluster.redmule.pipe = pipe;
      c.cluster.tcdm.banks = 64;
    };
  };
  refused(array(33, 1), cluster + "redmule/height");
  refused(array(1, 17), cluster + "redmule/pipe");
  refused(array(13, 4), cluster + "redmule: height * (pipe + 1)");  // 65 columns
  refused([](auto& c) { c.cluster.redmule.width = 65; }, cluster + "redmule/width");
  refused([](auto& c) { c.l2.size = Bytes{131071}; }, "/platform/l2/size");
  refused([](auto& c) { c.l2.latency = Cycle{0}; }, "/platform/l2/latency");
  refused([](auto& c) { c.l2.core_latency = Cycle{1001}; }, "/platform/l2/core_latency");
  refused([](auto& c) { c.hyperram.size = Bytes{1023}; }, "/platform/hyperram/size");
  refused([](auto& c) { c.hyperram.bandwidth_mb_s = 0; }, "/platform/hyperram/bandwidth_mb_s");
  refused([](auto& c) { c.hyperram.access_ns = 100'001; }, "/platform/hyperram/access_ns");
  refused([](auto& c) { c.hyperram.recovery_ns = -1; }, "/platform/hyperram/recovery_ns");
  refused([](auto& c) { c.hyperram.burst_cap_ns = 9; }, "/platform/hyperram/burst_cap_ns");
  refused([](auto& c) { c.flash.size = Bytes{4097}; }, "/platform/flash/size");
  refused([](auto& c) { c.flash.read_mb_s = 0; }, "/platform/flash/read_mb_s");
  refused([](auto& c) { c.flash.access_ns = -1; }, "/platform/flash/access_ns");
  refused([](auto& c) { c.flash.page_program_us = 1e7; }, "/platform/flash/page_program_us");
  refused([](auto& c) { c.flash.sector_erase_ms = 1e7; }, "/platform/flash/sector_erase_ms");
}

TEST_CASE("pairs that no model builds are refused by the configuration", "[ranges]") {
  const auto refusal = [](const Sets& sets) {
    try {
      load_platform("platform/siracusa_redmule.json", sets);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string array = "/platform/cluster/redmule/";
  // 13 x (4 + 1) = 65 columns; 16 x (3 + 1) = 64, whose port is 64 x 2 + 4 = 132 bytes = 33 banks
  CHECK_THAT(refusal({array + "height=13", array + "pipe=4", "/platform/cluster/tcdm/banks=64"}),
             Contains("/platform/cluster/redmule") && Contains("65 columns"));
  CHECK(refusal({array + "height=16", "/platform/cluster/tcdm/banks=64"}).empty());
  CHECK_THAT(refusal({array + "height=16", "/platform/cluster/tcdm/banks=32"}),
             Contains("132 bytes"));
  CHECK(refusal({array + "height=13", array + "pipe=4", array + "enabled=false"}).empty());
  // (100 - 95) ns x 333 MB/s = 1.7 bytes, (100 - 93) x 333 = 2.3 bytes
  const std::string ram = "/platform/hyperram/";
  CHECK_THAT(refusal({ram + "burst_cap_ns=100", ram + "access_ns=95"}),
             StartsWith("/platform/hyperram/burst_cap_ns"));
  CHECK(refusal({ram + "burst_cap_ns=100", ram + "access_ns=93"}).empty());
  CHECK_THAT(refusal({"/platform/flash/size=4097"}), StartsWith("/platform/flash/size"));
  CHECK(refusal({"/platform/flash/size=8192"}).empty());
}

TEST_CASE("a range says what it holds", "[ranges]") {
  const Range power{.min = 2, .max = 8, .power_of_two = true};
  for (const double value : {2.0, 4.0, 8.0}) {
    CHECK(power.holds(value));
  }
  for (const double value : {1.0, 3.0, 2.5, 16.0, -4.0}) {
    CHECK_FALSE(power.holds(value));
  }
  CHECK(power.text() == "from 2 to 8, a power of two");
  const Range open{.above_min = true, .max = 0.5};
  CHECK_FALSE(open.holds(0));
  CHECK(open.holds(1e-300));
  CHECK(open.holds(0.5));
  CHECK_FALSE(open.holds(0.50001));
  CHECK_FALSE(open.holds(NAN));
  CHECK(open.text() == "above 0 and up to 0.5");
  CHECK(Range{.min = 3}.text() == "at least 3");
  CHECK(Range{.max = 4294967295.0}.text() == "at least 0");  // the limit of a type
  CHECK_THROWS_WITH(check_range(power, 16, "/a/b"),
                    "/a/b: 16 is out of range; give a number from 2 to 8, a power of two");
  CHECK_THROWS_WITH(check_range(power, 6, "/a/b"),
                    "/a/b: 6 is no power of two; give a number from 2 to 8, a power of two");
  CHECK_NOTHROW(check_range(power, 8, "/a/b"));
}
