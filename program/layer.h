// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace etude {

/// One row of result.json's layers: what an operation of the task list counts for.
struct Layer {
  std::string name;
  std::string op;          ///< operator, "Page" for transfers between L2 and external memory
  std::string phase;       ///< forward | backward | recompute | update | page
  std::string unit;        ///< cores | redmule | dma
  std::uint64_t macs = 0;  ///< algorithmic, whole batch
};

}  // namespace etude
