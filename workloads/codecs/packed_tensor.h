// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace etude {

/// How the numbers of a frozen weight are stored: symmetric integers with an FP32 scale per channel
/// (-127..127, -7..7, -3..3), or IEEE half precision without one.
enum class StoredNumber : std::uint8_t { kFloat16, kInt8, kInt4, kInt3 };

/// What stands for the numbers. Plain: one after the other. Bitmap: per row a bit for each weight,
/// then the numbers that are not zero. Huffman: per row a canonical code.
enum class StoredCode : std::uint8_t { kPlain, kBitmap, kHuffman };

/// How a frozen weight is stored.
struct StoredForm {
  StoredNumber number = StoredNumber::kInt8;
  StoredCode code = StoredCode::kPlain;
  bool scale_per_row = false;  ///< a channel is a row (filters of a convolution), else a column

  bool operator==(const StoredForm&) const = default;
};

/// Bits of one number.
unsigned bits_of(StoredNumber number);
/// Largest magnitude of a stored integer (127, 7, 3). Errors: std::logic_error for kFloat16.
int largest_of(StoredNumber number);
/// Weights of a plain row from one word to the next number that begins with a word (2, 4, 8, 32):
/// tiles of columns begin at multiples of it.
unsigned group_of(StoredNumber number);
/// Bytes from row to row of a plain tensor: whole words.
std::uint32_t plain_pitch(StoredNumber number, std::uint32_t cols);

/// A weight as it is stored: a matrix [rows, cols] of the tensor in row-major order (rows: product
/// of the leading extents, or the first one where channels are rows).
struct PackedTensor {
  StoredForm form;
  std::uint32_t rows = 0, cols = 0;
  std::vector<float> scales;             ///< one per channel; none for kFloat16
  std::vector<std::uint8_t> bytes;       ///< little endian, rows begin with words
  std::vector<std::uint32_t> row_begin;  ///< not plain: byte of each row, and the end
  std::vector<std::uint8_t> lengths;  ///< Huffman: bits of the code of -largest..largest; 0: none

  /// Bytes of numbers, scales and tables as they stand in a memory.
  std::uint64_t stored_bytes() const;
};

/// The integers of `values` [rows, cols]: round to nearest even of value / scale, in float64, where
/// a channel's scale is its largest magnitude / largest_of(number) in FP32; scale 0 where all are
/// 0. Errors: UserError naming `where` if a value is not finite; std::logic_error for kFloat16.
struct Quantised {
  std::vector<std::int8_t> numbers;  ///< [rows, cols]
  std::vector<float> scales;         ///< one per channel
};
Quantised quantise(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                   const StoredForm& form, const std::string& where);

/// Integers as they are stored. Errors: UserError naming `where` for a number beyond largest_of.
PackedTensor pack(const Quantised& numbers, std::uint32_t rows, std::uint32_t cols,
                  const StoredForm& form, const std::string& where);

/// Values [rows, cols] as they are stored: integers as quantise() has them, or half precision
/// (round to nearest even). Errors: UserError naming `where` for a value that is not finite or
/// beyond half precision, and for half precision in a Huffman code.
PackedTensor store(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                   const StoredForm& form, const std::string& where);

/// What the chip decodes: FP32 of number times scale, rounded once, [rows, cols] in row-major
/// order. Errors: UserError naming `where` if bytes, tables or extents do not belong together.
std::vector<float> unpack(const PackedTensor& packed, const std::string& where);

}  // namespace etude
