// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/tape/tape.h"

namespace etude {

/// The bytes of a matrix in L1.
inline Access l1_access(const L1Matrix& m, bool write) {
  return {write, Access::Space::kL1, 0, m.address, m.rows, 4 * m.cols, 4 * m.pitch};
}

/// The bytes of an FP16 matrix in L1 (extents and pitch in halves).
inline Access half_access(const L1Matrix& m, bool write) {
  return {write, Access::Space::kL1, 0, m.address, m.rows, 2 * m.cols, 2 * m.pitch};
}

/// `words` words in a row in L1.
inline Access l1_words(std::uint32_t address, std::uint32_t words, bool write) {
  return {write, Access::Space::kL1, 0, address, 1, 4 * words, 4 * words};
}

}  // namespace etude
