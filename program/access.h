// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// Number of something that is stored outside L1.
using ObjectId = std::uint32_t;

/// Bytes that an operation reads or writes: `rows` of `row_bytes`, `pitch` bytes from row to row.
struct Access {
  enum class Space : std::uint8_t { kL1, kL2, kExternal };
  bool write = false;
  Space space = Space::kL1;
  ObjectId object = 0;  ///< L2 and external: the object that they belong to
  std::uint32_t address = 0;
  std::uint32_t rows = 1;
  std::uint32_t row_bytes = 0;
  std::uint32_t pitch = 0;

  /// Address behind the last byte.
  std::uint32_t end() const { return address + (rows - 1) * pitch + row_bytes; }
};

/// Whether two accesses touch a common byte (may say yes for interleaved rows of unequal pitch).
bool overlaps(const Access& a, const Access& b);

}  // namespace etude
