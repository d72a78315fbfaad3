// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "workloads/codecs/packed_tensor.h"

// What pack() and unpack() are made of: one writer and one reader for each code.
namespace etude::codec {

/// The numbers of a tensor [rows, cols] as they are coded: integers, or bit patterns of half
/// precision. 0 is the number that a bitmap leaves out.
using Symbols = std::vector<std::int32_t>;

/// Numbers of `bits` bits one after the other in little-endian order, from bit 0 of `bytes` on.
void put_bits(std::span<std::uint8_t> bytes, std::uint64_t at, std::uint32_t value, unsigned bits);
std::uint32_t get_bits(std::span<const std::uint8_t> bytes, std::uint64_t at, unsigned bits);
/// A number of `number`'s bits as a symbol: integers with their sign.
std::int32_t symbol_of(std::uint32_t stored, StoredNumber number);

// Writers fill bytes, row_begin and lengths of `made`, whose form and extents are set.
void write_plain(const Symbols& symbols, PackedTensor& made);
void write_bitmap(const Symbols& symbols, PackedTensor& made);
void write_huffman(const Symbols& symbols, PackedTensor& made);

// Readers. Errors: UserError naming `where` for bytes that no writer made.
Symbols read_plain(const PackedTensor& packed, const std::string& where);
Symbols read_bitmap(const PackedTensor& packed, const std::string& where);
Symbols read_huffman(const PackedTensor& packed, const std::string& where);

/// Bytes of row `row` of a tensor whose rows have offsets.
std::span<const std::uint8_t> row_bytes(const PackedTensor& packed, std::uint32_t row);
/// Checks row_begin: one offset a row and the end, whole words, ascending, over all of the bytes.
/// Errors: UserError naming `where`.
void check_rows(const PackedTensor& packed, const std::string& where);
/// Refuses bits from `at` to the end of `bytes` that are set.
void check_padding(std::span<const std::uint8_t> bytes, std::uint64_t at, const std::string& where);
/// The error of a stream that no writer made.
[[noreturn]] void damaged(const std::string& where, const std::string& what);

}  // namespace etude::codec
