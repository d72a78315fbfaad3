// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/feeds/context.h"

namespace etude::compiler {

/// Brings tiles of a weight that is stored packed into L1 and has the cores decode them.
class PackedFeed {
 public:
  /// Takes L1 for all scales of the weight. Errors: NoRoom.
  PackedFeed(LoweringContext& context, const PackedObjects& stored);

  /// L1 for a packed tile of so many rows and columns of the stored matrix. Errors: NoRoom.
  Address take(std::uint32_t rows, std::uint32_t cols);
  /// The tile at (row, col) of the stored matrix through `buffer` into `to`, in FP32 or FP16.
  /// Errors: std::logic_error if a tile does not begin with a word.
  void fetch(std::uint32_t row, std::uint32_t col, Address buffer, const L1Matrix& to);

 private:
  LoweringContext& c_;
  const PackedObjects stored_;
  L1Matrix scales_;
  bool loaded_ = false;  ///< the scales are there
};

}  // namespace etude::compiler
