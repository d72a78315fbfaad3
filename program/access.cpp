// SPDX-License-Identifier: Apache-2.0
#include "program/access.h"

namespace etude {

bool overlaps(const Access& a, const Access& b) {
  if (a.space != b.space || a.end() <= b.address || b.end() <= a.address) {
    return false;
  }
  const bool strided = a.rows > 1 && b.rows > 1 && a.pitch == b.pitch;
  if (!strided || a.row_bytes >= a.pitch || b.row_bytes >= b.pitch) {
    return true;
  }
  const std::uint32_t pitch = a.pitch;
  const std::uint32_t shift = (b.address % pitch + pitch - a.address % pitch) % pitch;
  return shift < a.row_bytes || shift + b.row_bytes > pitch;
}

}  // namespace etude
