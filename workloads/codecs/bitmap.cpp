// SPDX-License-Identifier: Apache-2.0
// Per row a bit for each weight (bit c % 32 of word c / 32), then, from the next word on, the
// numbers that are not zero, one after the other.
#include <bit>

#include "workloads/codecs/codec.h"

namespace etude::codec {
namespace {
std::uint64_t mask_bits(std::uint32_t cols) { return (std::uint64_t{cols} + 31) / 32 * 32; }
}  // namespace

void write_bitmap(const Symbols& symbols, PackedTensor& made) {
  const unsigned bits = bits_of(made.form.number);
  made.row_begin.assign(1, 0);
  for (std::uint32_t row = 0; row < made.rows; ++row) {
    const auto numbers = std::span(symbols).subspan(std::size_t{row} * made.cols, made.cols);
    std::uint64_t end = mask_bits(made.cols);
    for (const std::int32_t number : numbers) {
      end += number != 0 ? bits : 0;
    }
    made.bytes.resize(made.row_begin.back() + (end + 31) / 32 * 4);
    const auto bytes = std::span(made.bytes).subspan(made.row_begin.back());
    std::uint64_t at = mask_bits(made.cols);
    for (std::uint32_t col = 0; col < made.cols; ++col) {
      if (numbers[col] != 0) {
        put_bits(bytes, col, 1, 1);
        put_bits(bytes, at, static_cast<std::uint32_t>(numbers[col]), bits);
        at += bits;
      }
    }
    made.row_begin.push_back(static_cast<std::uint32_t>(made.bytes.size()));
  }
}

Symbols read_bitmap(const PackedTensor& packed, const std::string& where) {
  const unsigned bits = bits_of(packed.form.number);
  check_rows(packed, where);
  Symbols symbols(std::size_t{packed.rows} * packed.cols);
  for (std::uint32_t row = 0; row < packed.rows; ++row) {
    const auto bytes = row_bytes(packed, row);
    std::uint64_t at = mask_bits(packed.cols);
    if (bytes.size() * 8 < at) {
      damaged(where, "a row is shorter than its bitmap");
    }
    std::uint64_t numbers = 0;
    for (const std::uint8_t byte : bytes.first(at / 8)) {
      numbers += static_cast<unsigned>(std::popcount(byte));
    }
    if (bytes.size() != (at + numbers * bits + 31) / 32 * 4) {
      damaged(where, "a row has other bytes than its bitmap says");
    }
    check_padding(bytes.first(at / 8), packed.cols, where);
    for (std::uint32_t col = 0; col < packed.cols; ++col) {
      if (get_bits(bytes, col, 1) == 0) {
        continue;
      }
      const std::int32_t number = symbol_of(get_bits(bytes, at, bits), packed.form.number);
      if (number == 0) {
        damaged(where, "its bitmap names a number that is zero");
      }
      symbols[std::size_t{row} * packed.cols + col] = number;
      at += bits;
    }
    check_padding(bytes, at, where);
  }
  return symbols;
}

}  // namespace etude::codec
