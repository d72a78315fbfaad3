// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/tape/tape.h"

namespace etude::compiler {

/// The bytes of a matrix in L1.
inline Access l1_access(const L1Matrix& m, bool write) {
  return {write, Access::Space::kL1, 0, m.address.raw(), m.rows, m.row_bytes(), m.pitch_bytes()};
}

/// A vector of floats in L1.
inline Access l1_vector(Address address, std::uint32_t elements, bool write) {
  return l1_access({address, 1, elements, elements}, write);
}

}  // namespace etude::compiler
