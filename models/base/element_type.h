// SPDX-License-Identifier: Apache-2.0
#pragma once

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

}  // namespace etude
