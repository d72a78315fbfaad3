// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace etude::compiler {

/// Bits of a small file, the first one lowest in its byte.
class BitWriter {
 public:
  void bits(std::uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i, ++used_) {
      if (used_ % 8 == 0) {
        bytes_.push_back(0);
      }
      bytes_.back() |= static_cast<std::uint8_t>((value >> i & 1) << used_ % 8);
    }
  }
  /// A number below 2^63 in 2 log2(value + 1) + 1 bits (Elias' gamma code of value + 1).
  void number(std::uint64_t value) {
    const auto length = static_cast<unsigned>(std::bit_width(value + 1));
    bits(0, length - 1);
    bits(1, 1);
    bits(value + 1, length - 1);  // without its highest bit, which stands in front
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
  unsigned used_ = 0;
};

/// Reads what BitWriter wrote. Behind the last byte everything is 0 and `ok()` is false.
class BitReader {
 public:
  BitReader(const std::uint8_t* first, std::size_t bytes) : first_(first), end_(bytes * 8) {}

  std::uint64_t bits(unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i, ++at_) {
      if (at_ >= end_) {
        ok_ = false;
        return 0;
      }
      value |= std::uint64_t{static_cast<unsigned>(first_[at_ / 8] >> at_ % 8 & 1)} << i;
    }
    return value;
  }
  std::uint64_t number() {
    unsigned length = 0;
    while (ok_ && bits(1) == 0) {
      ok_ = ok_ && ++length < 63;
    }
    const std::uint64_t low = bits(length);
    return ok_ ? (std::uint64_t{1} << length | low) - 1 : 0;
  }
  /// Nothing ended early so far.
  bool ok() const { return ok_; }
  /// All that is left is zeros that fill the last byte.
  bool at_end() {
    while (ok_ && at_ % 8 != 0) {
      ok_ = bits(1) == 0;
    }
    return ok_ && at_ == end_;
  }

 private:
  const std::uint8_t* first_;
  std::size_t at_ = 0, end_;
  bool ok_ = true;
};

}  // namespace etude::compiler
