// SPDX-License-Identifier: Apache-2.0
#include "workloads/codecs/packed_tensor.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/base/error.h"
#include "workloads/codecs/codec.h"
#include "workloads/codecs/half.h"

namespace etude {
namespace {

std::uint32_t channel_of(const StoredForm& form, std::uint32_t row, std::uint32_t col) {
  return form.scale_per_row ? row : col;
}

std::uint32_t channels_of(const StoredForm& form, std::uint32_t rows, std::uint32_t cols) {
  return form.number == StoredNumber::kFloat16 ? 0 : form.scale_per_row ? rows : cols;
}

PackedTensor pack_symbols(const codec::Symbols& symbols, std::vector<float> scales,
                          std::uint32_t rows, std::uint32_t cols, const StoredForm& form) {
  PackedTensor made{form, rows, cols, std::move(scales), {}, {}, {}};
  switch (form.code) {
    case StoredCode::kPlain:
      codec::write_plain(symbols, made);
      break;
    case StoredCode::kBitmap:
      codec::write_bitmap(symbols, made);
      break;
    case StoredCode::kHuffman:
      codec::write_huffman(symbols, made);
      break;
  }
  return made;
}

codec::Symbols symbols_of(const PackedTensor& packed, const std::string& where) {
  switch (packed.form.code) {
    case StoredCode::kPlain:
      return codec::read_plain(packed, where);
    case StoredCode::kBitmap:
      return codec::read_bitmap(packed, where);
    case StoredCode::kHuffman:
      return codec::read_huffman(packed, where);
  }
  return {};
}

void refuse_infinite(std::span<const float> values, const std::string& where, const char* into) {
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
    throw UserError(where, "has a value that is not finite",
                    "it cannot be stored in " + std::string(into));
  }
}

/// Extents and tables that the form asks for, before anything is decoded.
void check_parts(const PackedTensor& packed, const std::string& where) {
  const StoredForm& form = packed.form;
  if (form.number == StoredNumber::kFloat16 && form.code == StoredCode::kHuffman) {
    codec::damaged(where, "half precision has no Huffman code");
  }
  // Every code has at least a bit for each number: no more memory is asked for than that.
  if (std::uint64_t{packed.rows} * packed.cols > packed.bytes.size() * 8) {
    codec::damaged(where, "its extents need other bytes than it has");
  }
  if (packed.scales.size() != channels_of(form, packed.rows, packed.cols)) {
    codec::damaged(where, "its extents need other scales than it has");
  }
  if (std::ranges::any_of(packed.scales, [](float s) { return !std::isfinite(s) || s < 0; })) {
    codec::damaged(where, "a scale is negative or not finite");
  }
  if ((form.code == StoredCode::kPlain && !packed.row_begin.empty()) ||
      (form.code != StoredCode::kHuffman && !packed.lengths.empty())) {
    codec::damaged(where, "it has tables that its code does not use");
  }
}

}  // namespace

unsigned bits_of(StoredNumber number) {
  switch (number) {
    case StoredNumber::kFloat16:
      return 16;
    case StoredNumber::kInt8:
      return 8;
    case StoredNumber::kInt4:
      return 4;
    case StoredNumber::kInt3:
      return 3;
  }
  return 0;
}

int largest_of(StoredNumber number) {
  if (number == StoredNumber::kFloat16) {
    throw std::logic_error("half precision has no largest integer");
  }
  return (1 << (bits_of(number) - 1)) - 1;
}

unsigned group_of(StoredNumber number) {
  return number == StoredNumber::kInt3 ? 32 : 32 / bits_of(number);
}

std::uint32_t plain_pitch(StoredNumber number, std::uint32_t cols) {
  return static_cast<std::uint32_t>((std::uint64_t{cols} * bits_of(number) + 31) / 32 * 4);
}

std::uint64_t PackedTensor::stored_bytes() const {
  return bytes.size() + scales.size() * sizeof(float) + row_begin.size() * sizeof(std::uint32_t) +
         lengths.size();
}

Quantised quantise(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                   const StoredForm& form, const std::string& where) {
  const auto largest = static_cast<float>(largest_of(form.number));
  refuse_infinite(values, where, "integers");
  Quantised made;
  made.scales.resize(channels_of(form, rows, cols));
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    float& scale = made.scales[channel_of(form, i / cols, i % cols)];
    scale = std::max(scale, std::abs(values[i]));
  }
  for (float& scale : made.scales) {
    scale /= largest;
  }
  made.numbers.resize(values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const double scale = made.scales[channel_of(form, i / cols, i % cols)];
    const double number = scale == 0 ? 0 : std::nearbyint(values[i] / scale);
    // A scale below the normal numbers is rounded so far that the quotient may pass the largest.
    made.numbers[i] = static_cast<std::int8_t>(
        std::clamp(number, -static_cast<double>(largest), static_cast<double>(largest)));
  }
  return made;
}

PackedTensor pack(const Quantised& numbers, std::uint32_t rows, std::uint32_t cols,
                  const StoredForm& form, const std::string& where) {
  const int largest = largest_of(form.number);
  for (const int number : numbers.numbers) {
    if (std::abs(number) > largest) {
      throw UserError(where, "has the number " + std::to_string(number),
                      "at most " + std::to_string(largest) + " in magnitude");
    }
  }
  return pack_symbols({numbers.numbers.begin(), numbers.numbers.end()}, numbers.scales, rows, cols,
                      form);
}

PackedTensor store(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                   const StoredForm& form, const std::string& where) {
  if (form.number != StoredNumber::kFloat16) {
    return pack(quantise(values, rows, cols, form, where), rows, cols, form, where);
  }
  if (form.code == StoredCode::kHuffman) {
    throw UserError(where, "half precision has no Huffman code", "give plain or bitmap");
  }
  refuse_infinite(values, where, "half precision");
  codec::Symbols symbols(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    symbols[i] = half_bits(values[i]);
    if (!std::isfinite(half_value(static_cast<std::uint16_t>(symbols[i])))) {
      throw UserError(where, "has a value that half precision does not reach",
                      "at most 65504 in magnitude, or integers with a scale");
    }
  }
  return pack_symbols(symbols, {}, rows, cols, form);
}

std::vector<float> unpack(const PackedTensor& packed, const std::string& where) {
  const StoredForm& form = packed.form;
  check_parts(packed, where);
  const codec::Symbols symbols = symbols_of(packed, where);
  std::vector<float> values(symbols.size());
  const bool half = form.number == StoredNumber::kFloat16;
  const int largest = half ? 0 : largest_of(form.number);
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const auto row = static_cast<std::uint32_t>(i / packed.cols);
    const auto col = static_cast<std::uint32_t>(i % packed.cols);
    if (half) {
      values[i] = half_value(static_cast<std::uint16_t>(symbols[i]));
    } else if (std::abs(symbols[i]) > largest) {
      codec::damaged(where, "a number beyond " + std::to_string(largest));
    } else {
      values[i] = static_cast<float>(symbols[i]) * packed.scales[channel_of(form, row, col)];
    }
    if (!std::isfinite(values[i])) {
      codec::damaged(where, "a value that is not finite");
    }
  }
  return values;
}

}  // namespace etude
