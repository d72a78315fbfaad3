// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"

namespace etude {

/// Parameters of the two-level instruction cache (16-byte lines).
struct IcacheConfig {
  static constexpr unsigned kLineBytes = 16;
  bool enabled = true;        ///< false: every fetch is served at once
  unsigned private_ways = 4;  ///< per core
  unsigned private_sets = 8;
  unsigned shared_banks = 2;
  unsigned shared_ways = 4;
  unsigned shared_sets = 32;
  static constexpr Range kWays{.min = 1, .max = 64, .power_of_two = true};
  static constexpr Range kSets{.min = 1, .max = 4096, .power_of_two = true};
  static constexpr Range kBanks{.min = 1, .max = 16, .power_of_two = true};
};

}  // namespace etude
