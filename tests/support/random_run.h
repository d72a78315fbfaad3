// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/engine.h"
#include "tests/support/random_code.h"

namespace etude::test {

/// Random code for a random cluster of 1 to 9 cores behind the instruction cache.
struct RandomRun {
  PlatformConfig platform;
  RandomCodeOptions code;
  std::vector<std::uint8_t> bytes;
};
RandomRun random_run(unsigned seed);

/// Runs it in this process, up to 400,000 cycles: call it in a child.
RunRecord run_of(const RandomRun& run, Platform& platform, EngineOptions options);

/// Cycles, status, 1 if it failed, and per hart instructions and stalls; all counters and a sum of
/// the memory. Runs in this process: call it in a child.
std::vector<std::uint64_t> account_of(const RandomRun& run, const EngineOptions& options);

}  // namespace etude::test
