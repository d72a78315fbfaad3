// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "compiler/tape/tape.h"
#include "tests/support/kernel_host.h"

namespace etude::test {

/// Matrices at random places of L1, and labels among them.
class TapeScene {
 public:
  static constexpr std::uint32_t kWords = 1u << 13;
  explicit TapeScene(std::uint32_t seed)
      : numbers(seed), arena_(kWords), begin_(arena_.matrix(0, 0) - 7 * sizeof(std::uint32_t)) {}

  std::uint32_t extent(std::uint32_t most) { return 1 + numbers.below(most); }
  compiler::L1Matrix matrix(std::uint32_t rows, std::uint32_t cols, DType type = DType::kFloat32) {
    return place(rows, cols, cols + numbers.below(4), type);
  }
  compiler::L1Matrix dense(std::uint32_t rows, std::uint32_t cols, DType type = DType::kFloat32) {
    return place(rows, cols, cols, type);
  }
  Address vector(std::uint32_t elements) { return dense(1, elements).address; }
  compiler::ChannelBlock block(std::uint32_t samples, std::uint32_t channels, std::uint32_t cols) {
    return {dense(samples * channels, cols).address, samples, channels, cols};
  }
  compiler::L1Matrix labels(std::uint32_t rows, std::uint32_t classes) {
    labels_ = dense(rows, 1, DType::kInt32);
    classes_ = classes;
    return labels_;
  }

  std::uint8_t* byte(std::uint32_t address) const {
    return reinterpret_cast<std::uint8_t*>(static_cast<std::uintptr_t>(address));
  }
  std::uint32_t begin() const { return begin_; }
  static constexpr std::uint32_t bytes() { return 4 * kWords; }

  /// Everything poisoned but what is declared, which gets numbers (the same for the same seed).
  void fill(const compiler::PlanOp& op, std::uint32_t poison, std::uint32_t seed) {
    for (std::uint32_t w = 0; w < kWords; ++w) {
      std::memcpy(byte(begin_ + 4 * w), &poison, sizeof poison);
    }
    Numbers drawn(seed);
    for (const Access& access : op.accesses) {
      for (std::uint32_t r = 0; r < access.rows; ++r) {
        for (std::uint32_t b = 0; b < access.row_bytes; b += 4) {
          const float value = drawn.next();
          const std::uint32_t more = std::min(4u, access.row_bytes - b);  // FP16: two by two
          std::memcpy(byte(access.address + r * access.pitch + b), &value, more);
        }
      }
    }
    for (std::uint32_t r = 0; r < labels_.rows; ++r) {
      const std::uint32_t label = drawn.below(classes_);
      std::memcpy(byte(labels_.at(r, 0).raw()), &label, sizeof label);
    }
  }
  /// Another value for one element.
  void disturb(const Access& access, std::uint32_t row, bool last, std::uint32_t size) {
    std::uint8_t* at =
        byte(access.address + row * access.pitch + (last ? access.row_bytes - size : 0));
    if (Address{access.address} == labels_.address) {
      std::uint32_t label = 0;
      std::memcpy(&label, at, sizeof label);
      label = (label + 1) % classes_;
      std::memcpy(at, &label, sizeof label);
      return;
    }
    const float value = 7.5f;
    const std::uint16_t half = 0x4780;  // 7.5
    size == 4 ? std::memcpy(at, &value, 4) : std::memcpy(at, &half, 2);
  }
  std::vector<std::uint8_t> snapshot() const { return {byte(begin_), byte(begin_) + bytes()}; }

  Numbers numbers;

 private:
  compiler::L1Matrix place(std::uint32_t rows, std::uint32_t cols, std::uint32_t pitch,
                           DType type) {
    const std::uint32_t words = (pitch * bytes_of(type) + 3) / 4;
    return {Address{arena_.matrix(rows, words)}, rows, cols, pitch, type};
  }
  Arena arena_;
  std::uint32_t begin_;
  compiler::L1Matrix labels_;
  std::uint32_t classes_ = 1;
};

/// One way to write one operation with a kernel: with random extents, on matrices of a scene.
struct TapeCase {
  etude_kernel kernel;
  const char* name;
  std::function<void(TapeScene&, compiler::Tape&)> write;
  std::uint32_t element = 4;  ///< bytes of the smallest element
};

/// Cases of the kernels on windows; `apart`: those whose taps stand apart.
std::vector<TapeCase> window_cases(bool apart);

/// For each kernel that the tape can write, one case or several.
std::vector<TapeCase> tape_cases();

}  // namespace etude::test
