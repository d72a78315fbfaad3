// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/packed_feed.h"

#include <stdexcept>

namespace etude::compiler {

PackedFeed::PackedFeed(LoweringContext& context, const PackedObjects& stored)
    : c_(context), stored_(stored) {
  const std::uint32_t channels = stored.weight.channels();
  scales_ = {c_.l1.take(stored.weight.scale_bytes()), 1, channels, channels};
}

Address PackedFeed::take(std::uint32_t rows, std::uint32_t cols) {
  return c_.l1.take(Bytes{std::uint64_t{rows} * plain_pitch(stored_.weight.form.number, cols)});
}

void PackedFeed::fetch(std::uint32_t row, std::uint32_t col, Address buffer, const L1Matrix& to) {
  const PackedWeight& weight = stored_.weight;
  const unsigned bits = bits_of(weight.form.number);
  if (col % group_of(weight.form.number) != 0) {
    throw std::logic_error("a tile of packed numbers begins within a word");
  }
  if (!loaded_) {
    c_.tape.load({stored_.scales, {}, scales_.cols}, scales_);
    loaded_ = true;
  }
  const std::uint32_t pitch = plain_pitch(weight.form.number, weight.cols) / 4;  // words
  const std::uint32_t words = plain_pitch(weight.form.number, to.cols) / 4;
  const L1Matrix packed{buffer, to.rows, words, words};
  const StoredMatrix whole{stored_.numbers, {}, pitch};
  c_.tape.load(whole.behind(std::uint64_t{row} * pitch + col * bits / 32), packed);
  c_.tape.decode(packed, scales_.at(0, weight.form.scale_per_row ? row : col), weight.form, to);
}

}  // namespace etude::compiler
