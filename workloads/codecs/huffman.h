// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace etude {

/// Longest code that a table can hold: its entry has four bits for it.
inline constexpr unsigned kLongestCode = 15;
/// Longest code that is made: a table of 4,096 words fits into L1 beside tiles, and a limit of 12
/// costs these alphabets of at most 255 numbers below 0.1 % of their bytes.
inline constexpr unsigned kLongestMade = 12;

/// Bits of each symbol's code, shortest in sum for `counts` with none beyond `longest` (package
/// merge; L. Larmore, D. Hirschberg, J. ACM 37(3), 1990); 0 where a count is 0, 1 for a symbol that
/// is alone.
std::vector<std::uint8_t> huffman_lengths(std::span<const std::uint64_t> counts, unsigned longest);

/// The codes, shorter ones first and equal ones in the order of symbols, with their first bit in
/// bit 0: streams are read from bit 0 of their first word on.
std::vector<std::uint16_t> huffman_codes(std::span<const std::uint8_t> lengths);

/// What decodes: the entry at the next bits of a stream (as many as the longest code has, the first
/// in bit 0) is FP32 of the symbol's integer with the bits of its code in bits 0 to 3; 0: no code.
/// The integers are -largest..largest in the order of `lengths`.
/// Errors: UserError naming `where` if lengths are no complete prefix code, of a single symbol 1.
std::vector<std::uint32_t> huffman_table(std::span<const std::uint8_t> lengths,
                                         const std::string& where);

}  // namespace etude
