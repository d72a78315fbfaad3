// SPDX-License-Identifier: Apache-2.0
// Numbers one after the other, rows from word to word.
#include "workloads/codecs/codec.h"

namespace etude::codec {

void write_plain(const Symbols& symbols, PackedTensor& made) {
  const unsigned bits = bits_of(made.form.number);
  const std::uint32_t pitch = plain_pitch(made.form.number, made.cols);
  made.bytes.resize(std::size_t{made.rows} * pitch);
  for (std::uint32_t row = 0; row < made.rows; ++row) {
    const auto bytes = std::span(made.bytes).subspan(std::size_t{row} * pitch, pitch);
    for (std::uint32_t col = 0; col < made.cols; ++col) {
      put_bits(bytes, std::uint64_t{col} * bits,
               static_cast<std::uint32_t>(symbols[std::size_t{row} * made.cols + col]), bits);
    }
  }
}

Symbols read_plain(const PackedTensor& packed, const std::string& where) {
  const unsigned bits = bits_of(packed.form.number);
  const std::uint32_t pitch = plain_pitch(packed.form.number, packed.cols);
  if (packed.bytes.size() != std::size_t{packed.rows} * pitch) {
    damaged(where, "its extents need other bytes than it has");
  }
  Symbols symbols(std::size_t{packed.rows} * packed.cols);
  if (symbols.empty()) {
    return symbols;  // without a look at each of many rows
  }
  for (std::uint32_t row = 0; row < packed.rows; ++row) {
    const auto bytes = std::span(packed.bytes).subspan(std::size_t{row} * pitch, pitch);
    for (std::uint32_t col = 0; col < packed.cols; ++col) {
      symbols[std::size_t{row} * packed.cols + col] =
          symbol_of(get_bits(bytes, std::uint64_t{col} * bits, bits), packed.form.number);
    }
    check_padding(bytes, std::uint64_t{packed.cols} * bits, where);
  }
  return symbols;
}

}  // namespace etude::codec
