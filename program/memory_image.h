// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "models/base/types.h"

namespace etude {

/// Bytes that stand at an address of the simulated SoC: before a run, or from a step on.
struct MemoryImage {
  Address base;
  std::vector<std::uint8_t> bytes;
};

}  // namespace etude
