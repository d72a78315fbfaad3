// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace etude {

/// What RedMulE has done, in raw numbers. Every cycle from TRIGGER to the done event is either
/// busy or has exactly one reason not to be.
struct RedmuleTally {
  std::uint64_t jobs = 0;
  std::uint64_t busy = 0;           ///< the array advanced
  std::uint64_t start = 0;          ///< waiting for the tiler and the controller
  std::uint64_t x_wait = 0;         ///< the X pad was not full
  std::uint64_t w_wait = 0;         ///< no row of W was there
  std::uint64_t yz_wait = 0;        ///< the Y/Z buffer was not ready
  std::uint64_t drain = 0;          ///< the array was done, the last rows of Z were on their way
  std::uint64_t port_conflict = 0;  ///< any of these, in a cycle in which the port was refused
  std::uint64_t refused = 0;        ///< cycles in which the port was refused
  std::array<std::uint64_t, 4> beats{};  ///< granted beats of X, W, Y, Z
  std::uint64_t fma_useful = 0;          ///< operations on elements of the job's matrices
  std::uint64_t fma_padded = 0;          ///< operations on padding (rows, columns, steps)

  std::uint64_t total() const {
    return busy + start + x_wait + w_wait + yz_wait + drain + port_conflict;
  }
  RedmuleTally& operator+=(const RedmuleTally& other);
  /// Modulo 2^64 in each number: what is added again later may be more than there is.
  RedmuleTally& operator-=(const RedmuleTally& other);
};

}  // namespace etude
