// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"

namespace etude {

/// Parameters of the tightly coupled data memory: word-interleaved single-port banks.
struct TcdmConfig {
  unsigned banks = 16;     ///< power of two
  Bytes size{256 * 1024};  ///< all banks together
};

}  // namespace etude
