// SPDX-License-Identifier: Apache-2.0
// What the codes share: bits in bytes, offsets of rows, and the line of a damaged stream.
#include <algorithm>

#include "models/base/error.h"
#include "workloads/codecs/codec.h"

namespace etude::codec {

void put_bits(std::span<std::uint8_t> bytes, std::uint64_t at, std::uint32_t value, unsigned bits) {
  for (unsigned bit = 0; bit < bits; ++bit, ++at) {
    bytes[at / 8] |= static_cast<std::uint8_t>(((value >> bit) & 1) << (at % 8));
  }
}

std::uint32_t get_bits(std::span<const std::uint8_t> bytes, std::uint64_t at, unsigned bits) {
  std::uint32_t value = 0;
  for (unsigned bit = 0; bit < bits; ++bit, ++at) {
    value |= ((bytes[at / 8] >> (at % 8)) & 1u) << bit;
  }
  return value;
}

std::int32_t symbol_of(std::uint32_t stored, StoredNumber number) {
  const unsigned unused = 32 - bits_of(number);
  return number == StoredNumber::kFloat16 ? static_cast<std::int32_t>(stored)
                                          : static_cast<std::int32_t>(stored << unused) >> unused;
}

void damaged(const std::string& where, const std::string& what) {
  throw UserError(where, "is damaged: " + what, "give an archive as etude compress wrote it");
}

std::span<const std::uint8_t> row_bytes(const PackedTensor& packed, std::uint32_t row) {
  return std::span(packed.bytes)
      .subspan(packed.row_begin[row], packed.row_begin[row + 1] - packed.row_begin[row]);
}

void check_rows(const PackedTensor& packed, const std::string& where) {
  const auto& begin = packed.row_begin;
  if (begin.size() != std::size_t{packed.rows} + 1 || begin.front() != 0 ||
      begin.back() != packed.bytes.size()) {
    damaged(where, "its rows do not cover its bytes");
  }
  if (!std::ranges::is_sorted(begin) ||
      std::ranges::any_of(begin, [](std::uint32_t at) { return at % 4 != 0; })) {
    damaged(where, "offsets of its rows are no ascending words");
  }
}

void check_padding(std::span<const std::uint8_t> bytes, std::uint64_t at,
                   const std::string& where) {
  for (; at < bytes.size() * 8; ++at) {
    if (((bytes[at / 8] >> (at % 8)) & 1) != 0) {
      damaged(where, "bits are set behind a row's last number");
    }
  }
}

}  // namespace etude::codec
