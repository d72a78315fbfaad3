// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "models/base/error.h"
#include "workloads/codecs/half.h"
#include "workloads/codecs/huffman.h"
#include "workloads/codecs/packed_archive.h"
#include "workloads/codecs/packed_tensor.h"
#include "workloads/codecs/prune.h"

using namespace etude;
using Catch::Matchers::Contains;

namespace {
constexpr StoredNumber kNumbers[] = {StoredNumber::kFloat16, StoredNumber::kInt8,
                                     StoredNumber::kInt4, StoredNumber::kInt3};
constexpr StoredCode kCodes[] = {StoredCode::kPlain, StoredCode::kBitmap, StoredCode::kHuffman};

bool exists(const StoredForm& form) {
  return form.number != StoredNumber::kFloat16 || form.code != StoredCode::kHuffman;
}

enum class Draw { kDense, kSparse, kZero, kOneValue };

std::vector<float> drawn(std::mt19937& random, std::size_t count, Draw draw) {
  std::vector<float> values(count);
  for (float& value : values) {
    const auto normal = std::normal_distribution<float>(0, 0.3f)(random);
    value = draw == Draw::kZero ? 0 : draw == Draw::kOneValue ? 0.25f : normal;
    value = draw == Draw::kSparse && random() % 10 != 0 ? 0 : value;
  }
  return values;
}

/// A packed tensor of a random form, and what it decodes to.
PackedTensor random_packed(std::mt19937& random) {
  StoredForm form;
  do {
    form = {kNumbers[random() % 4], kCodes[random() % 3], random() % 2 == 0};
  } while (!exists(form));
  const std::uint32_t rows = 1 + random() % 6, cols = 1 + random() % 70;
  return store(drawn(random, std::size_t{rows} * cols, static_cast<Draw>(random() % 4)), rows, cols,
               form, "w");
}
}  // namespace

TEST_CASE("every form comes back as the plain one does, of any tensor", "[codecs]") {
  std::mt19937 random(11);
  for (const StoredNumber number : kNumbers) {
    for (const StoredCode code : kCodes) {
      for (int run = 0; run < 40 && exists({number, code}); ++run) {
        const std::uint32_t rows = random() % 7, cols = random() % 70;
        const StoredForm form{number, code, random() % 2 == 0};
        const auto values =
            drawn(random, std::size_t{rows} * cols, static_cast<Draw>(random() % 4));
        const StoredForm plain{number, StoredCode::kPlain, form.scale_per_row};
        const PackedTensor packed = store(values, rows, cols, form, "w");
        const auto back = unpack(packed, "w");
        CHECK(back == unpack(store(values, rows, cols, plain, "w"), "w"));
        CHECK(store(back, rows, cols, form, "w").bytes == packed.bytes);
        CHECK(packed.bytes.size() % 4 == 0);
      }
    }
  }
}

TEST_CASE("half precision rounds to nearest even", "[codecs]") {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {  // every number, and the ties above it
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_value(half);
    REQUIRE(half_bits(value) == half);
    REQUIRE(half_bits(-value) == (half | 0x8000));
    const float next = bits == 0x7BFF ? 65536.0f : half_value(static_cast<std::uint16_t>(bits + 1));
    const float tie = (value + next) / 2;
    REQUIRE(half_bits(tie) == bits + (bits & 1));
    REQUIRE(half_bits(std::nextafter(tie, 0.0f)) == bits);
    REQUIRE(half_bits(std::nextafter(tie, 1e9f)) == bits + 1);
  }
  CHECK(half_bits(std::numeric_limits<float>::infinity()) == 0x7C00);
  CHECK(std::isnan(half_value(half_bits(std::nanf("")))));
  CHECK_THROWS_AS(store(std::vector<float>{65520}, 1, 1, {StoredNumber::kFloat16}, "w"), UserError);
}

TEST_CASE("code lengths are the shortest ones within their limit", "[codecs]") {
  // Fibonacci counts: without a limit the longest of n codes has n - 1 bits.
  std::vector<std::uint64_t> counts{1, 1};
  while (counts.size() < 20) {
    counts.push_back(counts.back() + counts[counts.size() - 2]);
  }
  const auto cost = [&](const std::vector<std::uint8_t>& lengths) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      bits += counts[i] * lengths[i];
    }
    return bits;
  };
  const auto free = huffman_lengths(counts, 19);
  CHECK(*std::ranges::max_element(free) == 19);
  const auto limited = huffman_lengths(counts, 6);
  CHECK(*std::ranges::max_element(limited) == 6);
  CHECK(cost(limited) > cost(free));
  double sum = 0;
  for (const std::uint8_t length : limited) {
    sum += std::ldexp(1, -length);
  }
  CHECK(sum == 1);
  // Brute force over all lengths of five symbols within 3 bits.
  counts = {13, 1, 7, 2, 3};
  std::uint64_t least = ~0ull;
  for (unsigned all = 0; all < 243; ++all) {
    std::vector<std::uint8_t> lengths;
    double filled = 0;
    for (unsigned i = 0, rest = all; i < 5; ++i, rest /= 3) {
      lengths.push_back(static_cast<std::uint8_t>(1 + rest % 3));
      filled += std::ldexp(1, -lengths.back());
    }
    least = filled <= 1 ? std::min(least, cost(lengths)) : least;
  }
  CHECK(cost(huffman_lengths(counts, 3)) == least);
}

TEST_CASE("a table's entry is the number in FP32 with the bits of its code", "[codecs]") {
  // Numbers -1, 0, 1 of 2, 1, 2 bits: codes 10, 0, 11, their first bit in bit 0.
  const std::vector<std::uint8_t> lengths{2, 1, 2};
  const auto word = [](float value, std::uint32_t bits) {
    return std::bit_cast<std::uint32_t>(value) | bits;
  };
  CHECK(huffman_table(lengths, "w") ==
        std::vector<std::uint32_t>{word(0, 1), word(-1, 2), word(0, 1), word(1, 2)});
  for (const auto& wrong : std::vector<std::vector<std::uint8_t>>{
           {1, 1, 1}, {2, 2, 0}, {2, 2, 2}, {16, 1, 2}, {0, 2, 0}}) {
    CHECK_THROWS_WITH(huffman_table(wrong, "tensor w"), Contains("tensor w"));
  }
}

TEST_CASE("pruning zeroes the smallest magnitudes, two of four along rows", "[codecs]") {
  const std::vector<float> values{1, -4, 3, -2, 5, 6, -7};
  CHECK(prune(values, 1, 7, PrunePattern::kFree, 0.5) == std::vector<float>{0, 0, 0, 0, 5, 6, -7});
  CHECK(prune(values, 1, 7, PrunePattern::kTwoOfFour, 0) ==
        std::vector<float>{0, -4, 3, 0, 0, 6, -7});
  CHECK(prune(std::vector<float>{1, 1, 1, 1}, 2, 2, PrunePattern::kFree, 0.5) ==
        std::vector<float>{0, 0, 1, 1});
}

TEST_CASE("damaged streams are refused with the tensor's name, or are another tensor", "[codecs]") {
  std::mt19937 random(5);
  unsigned refused = 0;
  for (int run = 0; run < 4000; ++run) {
    const PackedTensor whole = random_packed(random);
    PackedTensor packed = whole;
    const auto flip = [&](auto& list) {
      if (!list.empty()) {
        auto& value = list[random() % list.size()];
        value = static_cast<std::decay_t<decltype(value)>>(value ^
                                                           (1u << random() % (8 * sizeof value)));
      }
    };
    switch (random() % 6) {
      case 0:
        packed.bytes.resize(random() % (packed.bytes.size() + 1));
        break;
      case 1:
        flip(packed.bytes);
        break;
      case 2:
        flip(packed.row_begin);
        break;
      case 3:
        flip(packed.lengths);
        break;
      case 4:
        std::ranges::shuffle(packed.row_begin, random);
        break;
      default:
        (random() % 2 == 0 ? packed.rows : packed.cols) ^= 1u << random() % 32;
    }
    try {
      const auto values = unpack(packed, "tensor w");
      CHECK(values.size() == std::size_t{packed.rows} * packed.cols);
      CHECK(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }));
    } catch (const UserError& error) {
      ++refused;
      CHECK_THAT(error.what(), Contains("tensor w"));
    }
  }
  CHECK(refused > 1500);
}

TEST_CASE("an archive holds packed and plain parameters, and is the same bytes each time",
          "[codecs]") {
  std::mt19937 random(3);
  PackedArchive archive;
  archive.plain["fc.bias"] = NpyArray::from_float32({3}, {1, 2, 3});
  archive.packed["conv/w"] = store(drawn(random, 24, Draw::kDense), 4, 6,
                                   {StoredNumber::kInt4, StoredCode::kHuffman, true}, "w");
  archive.shapes["conv/w"] = {4, 2, 3};
  archive.packed["fc"] = store(drawn(random, 60, Draw::kSparse), 20, 3,
                               {StoredNumber::kInt3, StoredCode::kBitmap}, "w");
  archive.shapes["fc"] = {4, 5, 3};
  archive.packed["empty"] = store({}, 0, 5, {StoredNumber::kInt8, StoredCode::kHuffman}, "w");
  archive.shapes["empty"] = {0, 5};
  archive.packed["long"] = store(drawn(random, 40000, Draw::kDense), 2, 20000,
                                 {StoredNumber::kFloat16, StoredCode::kBitmap}, "w");
  archive.shapes["long"] = {2, 20000};
  archive.record = "{\"seed\": 1}";
  const NpzArchive members = packed_members(archive);
  CHECK(is_packed(members));
  CHECK_FALSE(is_packed(archive.plain));
  CHECK(npz_bytes(members) == npz_bytes(packed_members(archive)));
  const PackedArchive back = read_packed(members, "a.npz");
  CHECK(back.record == archive.record);
  CHECK(back.shapes == archive.shapes);
  CHECK(npz_bytes(packed_members(back)) == npz_bytes(members));
  CHECK(decoded(back).at("fc").as_float32() == unpack(archive.packed["fc"], "fc"));
  CHECK(back.plain.at("fc.bias").as_float32() == std::vector<float>{1, 2, 3});
}

TEST_CASE("a damaged archive is refused, naming file and parameter", "[codecs]") {
  std::mt19937 random(9);
  unsigned refused = 0;
  for (int run = 0; run < 1500; ++run) {
    PackedArchive archive;
    archive.packed["w0"] = random_packed(random);
    const PackedTensor& packed = archive.packed["w0"];
    archive.shapes["w0"] = {packed.rows, packed.cols};
    NpzArchive members = packed_members(archive);
    NpyArray& bytes = members.at("packed/w0");
    if (run % 2 == 0) {
      bytes.bytes.resize(random() % bytes.bytes.size());
    } else {
      bytes.bytes[random() % bytes.bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    }
    bytes.shape = {bytes.bytes.size()};
    try {
      read_packed(members, "a.npz");
    } catch (const UserError& error) {
      ++refused;
      CHECK_THAT(error.what(), Contains("a.npz: packed 'w0'"));
    }
  }
  CHECK(refused > 900);
}
