// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"

namespace etude::test {

using KernelFunction = void (*)(const void*, std::uint32_t, std::uint32_t);

/// Runs a kernel compiled for this machine as `workers` threads (its barrier works).
void run_on_host(KernelFunction kernel, const void* args, unsigned workers);

/// Memory with 32-bit addresses, as kernels expect them; everything in it starts as a guard word
/// (a NaN with a pattern), and whatever is not told to be a result must still be one at the end.
class Arena {
 public:
  static constexpr std::uint32_t kGuard = 0x7FABCDEF;
  explicit Arena(std::size_t words = 1u << 18);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A [rows, pitch] matrix with guard words before and behind; its contents stay guards.
  std::uint32_t matrix(unsigned rows, unsigned pitch);
  /// The same, its first `cols` columns filled with `values` (rows x cols).
  std::uint32_t matrix(unsigned rows, unsigned cols, unsigned pitch,
                       const std::vector<float>& values);
  std::vector<float> read(std::uint32_t address, unsigned rows, unsigned cols,
                          unsigned pitch) const;
  /// Takes a copy of everything; check() then tells whether anything outside [rows, cols] at
  /// `address` has changed.
  void snapshot() { before_.assign(base_, base_ + used_); }
  bool only_changed(std::uint32_t address, unsigned rows, unsigned cols, unsigned pitch) const;
  void clear();
  std::uint32_t* word(std::uint32_t address) const {
    return reinterpret_cast<std::uint32_t*>(static_cast<std::uintptr_t>(address));
  }

 private:
  std::uint32_t* base_;
  std::size_t words_;
  std::size_t used_ = 0;
  std::vector<std::uint32_t> before_;
};

/// Numbers that repeat: x in [-1, 1).
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  std::uint32_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  float next() { return static_cast<float>(static_cast<std::int32_t>(bits()) >> 8) * 0x1p-23f; }
  unsigned below(unsigned n) { return bits() % n; }
  std::vector<float> vector(std::size_t n) {
    std::vector<float> v(n);
    for (float& x : v) {
      x = next();
    }
    return v;
  }

 private:
  std::uint32_t state_;
};

inline std::uint32_t bits_of(float x) {
  std::uint32_t u;
  std::memcpy(&u, &x, 4);
  return u;
}

}  // namespace etude::test
