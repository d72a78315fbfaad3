// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace etude {

/// Type of the elements of a tensor.
enum class DType { kFloat32, kFloat16, kInt32 };

/// Bytes of one element.
constexpr unsigned bytes_of(DType type) {
  switch (type) {
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kFloat16:
      return 2;
  }
  return 0;
}

/// Bytes of `elements` neighbours.
constexpr Bytes bytes_for(std::uint64_t elements, DType type = DType::kFloat32) {
  return Bytes{elements * bytes_of(type)};
}

/// Elements that fit into `bytes`.
constexpr std::uint32_t elements_in(Bytes bytes, DType type = DType::kFloat32) {
  return static_cast<std::uint32_t>(bytes.raw() / bytes_of(type));
}

}  // namespace etude
