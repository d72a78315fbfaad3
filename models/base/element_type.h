// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

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

/// Bytes of `elements` neighbours, in the 32 bits of an address of the chip.
constexpr std::uint32_t bytes_for(std::uint64_t elements, DType type = DType::kFloat32) {
  return static_cast<std::uint32_t>(elements * bytes_of(type));
}

/// Elements that fit into `bytes`.
constexpr std::uint32_t elements_in(std::uint64_t bytes, DType type = DType::kFloat32) {
  return static_cast<std::uint32_t>(bytes / bytes_of(type));
}

}  // namespace etude
