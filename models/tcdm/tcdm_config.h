// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the tightly coupled data memory: word-interleaved single-port banks.
struct TcdmConfig {
  unsigned banks = 16;  ///< the interconnect has a bit of a 64-bit mask for each
  static constexpr Range kBanks{.min = 1, .max = 64, .power_of_two = true};
  Bytes size{256 * 1024};  ///< all banks together, a multiple of row_bytes()
  static constexpr Range kSize{.min = 1024, .max = 1 << 20};

  /// Bytes of one word in each bank.
  Bytes row_bytes() const { return Bytes{4ull * banks}; }
};

}  // namespace etude
