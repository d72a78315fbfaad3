// SPDX-License-Identifier: Apache-2.0
// Integers one after the other, rows from word to word.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/base/error.h"
#include "workloads/codecs/packed_tensor.h"

namespace etude {
namespace {

std::uint32_t channel_of(const StoredForm& form, std::uint32_t row, std::uint32_t col) {
  return form.scale_per_row ? row : col;
}

std::uint32_t channels_of(const StoredForm& form, std::uint32_t rows, std::uint32_t cols) {
  return form.scale_per_row ? rows : cols;
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
  return (cols * bits_of(number) + 31) / 32 * 4;
}

std::uint64_t PackedTensor::stored_bytes() const {
  return bytes.size() + scales.size() * sizeof(float) + row_begin.size() * sizeof(std::uint32_t) +
         lengths.size();
}

Quantised quantise(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                   const StoredForm& form, const std::string& where) {
  const auto largest = static_cast<float>(largest_of(form.number));
  Quantised made;
  made.scales.resize(channels_of(form, rows, cols));
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw UserError(where, "has a value that is not finite", "it cannot be stored in integers");
    }
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
  const unsigned bits = bits_of(form.number);
  const int largest = largest_of(form.number);
  const std::uint32_t pitch = plain_pitch(form.number, cols);
  PackedTensor made{form, rows, cols, numbers.scales, {}, {}, {}};
  made.bytes.resize(std::size_t{rows} * pitch);
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t col = 0; col < cols; ++col) {
      const int number = numbers.numbers[std::size_t{row} * cols + col];
      if (std::abs(number) > largest) {
        throw UserError(where, "has the number " + std::to_string(number),
                        "at most " + std::to_string(largest) + " in magnitude");
      }
      for (unsigned bit = 0; bit < bits; ++bit) {
        const std::uint64_t at = std::uint64_t{col} * bits + bit;
        made.bytes[std::size_t{row} * pitch + at / 8] |=
            static_cast<std::uint8_t>(((number >> bit) & 1) << (at % 8));
      }
    }
  }
  return made;
}

std::vector<float> unpack(const PackedTensor& packed, const std::string& where) {
  const StoredForm& form = packed.form;
  const unsigned bits = bits_of(form.number);
  const std::uint32_t pitch = plain_pitch(form.number, packed.cols);
  if (packed.bytes.size() != std::size_t{packed.rows} * pitch ||
      packed.scales.size() != channels_of(form, packed.rows, packed.cols)) {
    throw UserError(where, "is damaged", "its extents need other bytes than it has");
  }
  std::vector<float> values(std::size_t{packed.rows} * packed.cols);
  for (std::uint32_t row = 0; row < packed.rows; ++row) {
    for (std::uint32_t col = 0; col < packed.cols; ++col) {
      unsigned number = 0;
      for (unsigned bit = 0; bit < bits; ++bit) {
        const std::uint64_t at = std::uint64_t{col} * bits + bit;
        number |= ((packed.bytes[std::size_t{row} * pitch + at / 8] >> (at % 8)) & 1u) << bit;
      }
      const int value = static_cast<int>(number << (32 - bits)) >> (32 - bits);
      values[std::size_t{row} * packed.cols + col] =
          static_cast<float>(value) * packed.scales[channel_of(form, row, col)];
    }
  }
  return values;
}

}  // namespace etude
