// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/range.h"

namespace etude {

/// Parameters of the RedMulE matrix engine. D = height * (pipe + 1) columns of Z per tile.
struct RedmuleConfig {
  enum class Format { kFp16, kFp32 };
  enum class Errata { kWarn, kError, kOff };
  bool enabled = true;
  unsigned height = 4;  ///< H: compute elements along the reduction
  static constexpr Range kHeight{.min = 1, .max = 32};
  unsigned width = 12;  ///< L: rows of the array, along M
  static constexpr Range kWidth{.min = 1, .max = 64};
  unsigned pipe = 3;  ///< P: pipeline registers of a compute element
  static constexpr Range kPipe{.min = 1, .max = 16};
  Format format = Format::kFp16;
  Errata errata = Errata::kWarn;

  /// Columns of Z per tile, of a pair of height and pipe that are each allowed.
  unsigned columns() const { return height * (pipe + 1); }
  static constexpr Range kColumns{.min = 2, .max = 64};
  unsigned element_bytes() const { return format == Format::kFp32 ? 4 : 2; }
  /// Bytes of the wide port: D elements, and 4 more for misaligned fp16 rows.
  unsigned port_bytes() const {
    return columns() * element_bytes() + (format == Format::kFp16 ? 4 : 0);
  }
};

}  // namespace etude
