// SPDX-License-Identifier: Apache-2.0
// Decoding against the archive's own unpack(), at odd sizes and numbers of workers.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "tests/support/host_shapes.h"
#include "tests/support/kernel_host.h"
#include "workloads/codecs/packed_tensor.h"

using namespace etude;
using namespace etude::test;

namespace {

struct Decoder {
  StoredNumber number;
  KernelFunction whole, half;
};
constexpr Decoder kDecoders[] = {{StoredNumber::kInt8, etude_decode_int8, etude_decode_int8_fp16},
                                 {StoredNumber::kInt4, etude_decode_int4, etude_decode_int4_fp16},
                                 {StoredNumber::kInt3, etude_decode_int3, etude_decode_int3_fp16}};

std::vector<float> words_of(const std::vector<std::uint8_t>& bytes) {
  std::vector<float> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

}  // namespace

TEST_CASE("decoded tiles are what the archive says, for every number of workers", "[decode]") {
  Arena arena(1u << 17);
  Numbers numbers(41);
  for (const Decoder& decoder : kDecoders) {
    for (unsigned i = 0; i < 60; ++i) {
      arena.clear();
      const unsigned rows = 1 + numbers.below(40), cols = 1 + numbers.below(130);
      const unsigned workers = 1 + i % 9, gap = numbers.below(3);
      const StoredForm form{decoder.number, StoredCode::kPlain, numbers.below(2) == 0};
      const PackedTensor packed =
          pack(quantise(numbers.vector(rows * cols), rows, cols, form, "w"), rows, cols, form, "w");
      const std::vector<float> wanted = unpack(packed, "w");
      // A tile of it: columns from a multiple of the group on.
      const unsigned group = group_of(decoder.number);
      const unsigned col = group * numbers.below((cols + group - 1) / group);
      const unsigned row = numbers.below(rows);
      etude_decode_args a{};
      a.rows = 1 + numbers.below(rows - row);
      a.cols = 1 + numbers.below(cols - col);
      a.pitch_src = plain_pitch(decoder.number, cols);
      a.src = arena.matrix(rows, a.pitch_src / 4, a.pitch_src / 4, words_of(packed.bytes)) +
              row * a.pitch_src + col * bits_of(decoder.number) / 8;
      const auto channels = static_cast<unsigned>(packed.scales.size());
      a.scales =
          arena.matrix(1, channels, channels, packed.scales) + 4 * (form.scale_per_row ? row : col);
      a.pitch_dst = a.cols + gap;
      a.dst = arena.matrix(a.rows, a.pitch_dst);
      a.flags = form.scale_per_row ? ETUDE_DECODE_ROWS : 0;
      arena.snapshot();
      run_on_host(decoder.whole, &a, workers);
      REQUIRE(arena.only_changed(a.dst, a.rows, a.cols, a.pitch_dst));
      const std::vector<float> got = arena.read(a.dst, a.rows, a.cols, a.pitch_dst);
      unsigned wrong = 0;
      for (unsigned r = 0; r < a.rows; ++r) {
        for (unsigned c = 0; c < a.cols; ++c) {
          wrong += test::bits_of(got[r * a.cols + c]) ==
                           test::bits_of(wanted[(row + r) * cols + col + c])
                       ? 0
                       : 1;
        }
      }
      CHECK(wrong == 0);
      a.dst = arena.matrix(a.rows, a.pitch_dst);  // in halves: twice as much as is needed
      arena.snapshot();
      run_on_host(decoder.half, &a, workers);
      REQUIRE(arena.only_changed(a.dst, 1, (a.rows * a.pitch_dst + 1) / 2,
                                 (a.rows * a.pitch_dst + 1) / 2));
      const auto* halves = reinterpret_cast<const _Float16*>(static_cast<std::uintptr_t>(a.dst));
      for (unsigned r = 0; r < a.rows; ++r) {
        for (unsigned c = 0; c < a.cols; ++c) {
          const auto half = static_cast<_Float16>(wanted[(row + r) * cols + col + c]);
          wrong += std::memcmp(&half, &halves[r * a.pitch_dst + c], 2) == 0 ? 0 : 1;
        }
      }
      CHECK(wrong == 0);
    }
  }
}
