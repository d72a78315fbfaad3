// SPDX-License-Identifier: Apache-2.0
// Per row a stream of canonical codes that begins with a word; one code for the whole tensor.
#include "workloads/codecs/huffman.h"

#include <algorithm>
#include <bit>

#include "workloads/codecs/codec.h"

namespace etude {
namespace {

/// A package of package merge: what it weighs, and the symbols in it.
struct Package {
  std::uint64_t weight = 0;
  std::vector<std::uint16_t> symbols;
};

/// Pairs of neighbours, lightest first; one that is left over is dropped.
std::vector<Package> pairs_of(const std::vector<Package>& packages) {
  std::vector<Package> pairs;
  for (std::size_t i = 0; i + 1 < packages.size(); i += 2) {
    Package pair = packages[i];
    pair.weight += packages[i + 1].weight;
    pair.symbols.insert(pair.symbols.end(), packages[i + 1].symbols.begin(),
                        packages[i + 1].symbols.end());
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

unsigned longest_of(std::span<const std::uint8_t> lengths) {
  return lengths.empty() ? 0 : *std::ranges::max_element(lengths);
}

void check_code(std::span<const std::uint8_t> lengths, const std::string& where) {
  const unsigned longest = longest_of(lengths);
  if (longest > kLongestCode) {
    codec::damaged(where, "a code of " + std::to_string(longest) + " bits, at most " +
                              std::to_string(kLongestCode));
  }
  std::uint32_t filled = 0;
  unsigned symbols = 0;
  for (const std::uint8_t length : lengths) {
    filled += length == 0 ? 0 : 1u << (kLongestCode - length);
    symbols += length != 0;
  }
  const bool alone = symbols == 1 && longest == 1;
  if (symbols != 0 && !alone && filled != 1u << kLongestCode) {
    codec::damaged(where, "its code lengths are no prefix code");
  }
}

}  // namespace

std::vector<std::uint8_t> huffman_lengths(std::span<const std::uint64_t> counts, unsigned longest) {
  std::vector<std::uint8_t> lengths(counts.size());
  std::vector<Package> coins;
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] != 0) {
      coins.push_back({counts[symbol], {static_cast<std::uint16_t>(symbol)}});
    }
  }
  if (coins.size() < 2) {
    for (const Package& coin : coins) {
      lengths[coin.symbols.front()] = 1;
    }
    return lengths;
  }
  const auto lighter = [](const Package& a, const Package& b) { return a.weight < b.weight; };
  std::ranges::stable_sort(coins, lighter);
  std::vector<Package> packages = coins;
  for (unsigned level = 1; level < longest; ++level) {
    const std::vector<Package> pairs = pairs_of(packages);
    packages.clear();
    std::ranges::merge(coins, pairs, std::back_inserter(packages), lighter);
  }
  for (std::size_t i = 0; i < 2 * coins.size() - 2; ++i) {
    for (const std::uint16_t symbol : packages[i].symbols) {
      ++lengths[symbol];
    }
  }
  return lengths;
}

std::vector<std::uint16_t> huffman_codes(std::span<const std::uint8_t> lengths) {
  std::vector<std::uint16_t> codes(lengths.size());
  std::uint32_t next = 0;
  for (unsigned length = 1; length <= longest_of(lengths); ++length, next <<= 1) {
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != length) {
        continue;
      }
      for (unsigned bit = 0; bit < length; ++bit) {
        codes[symbol] |= static_cast<std::uint16_t>(((next >> (length - 1 - bit)) & 1) << bit);
      }
      ++next;
    }
  }
  return codes;
}

std::vector<std::uint32_t> huffman_table(std::span<const std::uint8_t> lengths,
                                         const std::string& where) {
  check_code(lengths, where);
  const int largest = static_cast<int>(lengths.size() / 2);
  std::vector<std::uint32_t> table(std::size_t{1} << longest_of(lengths));
  const auto codes = huffman_codes(lengths);
  for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
    if (lengths[symbol] == 0) {
      continue;
    }
    // Integers of 8 bits leave the lower fraction of FP32 empty.
    const auto value = static_cast<float>(static_cast<int>(symbol) - largest);
    const std::uint32_t entry = std::bit_cast<std::uint32_t>(value) | lengths[symbol];
    for (std::size_t at = codes[symbol]; at < table.size();
         at += std::size_t{1} << lengths[symbol]) {
      table[at] = entry;
    }
  }
  return table;
}

namespace codec {

void write_huffman(const Symbols& symbols, PackedTensor& made) {
  const int largest = largest_of(made.form.number);
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(2 * largest + 1));
  for (const std::int32_t number : symbols) {
    ++counts[static_cast<std::size_t>(number + largest)];
  }
  made.lengths = huffman_lengths(counts, kLongestMade);
  const auto codes = huffman_codes(made.lengths);
  made.row_begin.assign(1, 0);
  for (std::uint32_t row = 0; row < made.rows; ++row) {
    const auto numbers = std::span(symbols).subspan(std::size_t{row} * made.cols, made.cols);
    std::uint64_t end = 0;
    for (const std::int32_t number : numbers) {
      end += made.lengths[static_cast<std::size_t>(number + largest)];
    }
    made.bytes.resize(made.row_begin.back() + (end + 31) / 32 * 4);
    const auto bytes = std::span(made.bytes).subspan(made.row_begin.back());
    std::uint64_t at = 0;
    for (const std::int32_t number : numbers) {
      const auto symbol = static_cast<std::size_t>(number + largest);
      put_bits(bytes, at, codes[symbol], made.lengths[symbol]);
      at += made.lengths[symbol];
    }
    made.row_begin.push_back(static_cast<std::uint32_t>(made.bytes.size()));
  }
}

Symbols read_huffman(const PackedTensor& packed, const std::string& where) {
  if (packed.lengths.size() != static_cast<std::size_t>(2 * largest_of(packed.form.number) + 1)) {
    damaged(where, "its table has other symbols than its numbers");
  }
  check_rows(packed, where);
  const auto table = huffman_table(packed.lengths, where);
  const unsigned longest = longest_of(packed.lengths);
  Symbols symbols(std::size_t{packed.rows} * packed.cols);
  for (std::uint32_t row = 0; row < packed.rows; ++row) {
    const auto bytes = row_bytes(packed, row);
    const std::uint64_t end = bytes.size() * 8;
    std::uint64_t at = 0;
    for (std::uint32_t col = 0; col < packed.cols; ++col) {
      const auto ahead = static_cast<unsigned>(std::min<std::uint64_t>(longest, end - at));
      const std::uint32_t entry = table[get_bits(bytes, at, ahead)];
      const unsigned length = entry & kLongestCode;
      if (length == 0 || length > ahead) {
        damaged(where, length == 0 ? "bits that are no code" : "a row ends before its last number");
      }
      symbols[std::size_t{row} * packed.cols + col] =
          static_cast<std::int32_t>(std::bit_cast<float>(entry & ~kLongestCode));
      at += length;
    }
    if (end - at >= 32) {
      damaged(where, "a row has words behind its last number");
    }
    check_padding(bytes, at, where);
  }
  return symbols;
}

}  // namespace codec
}  // namespace etude
